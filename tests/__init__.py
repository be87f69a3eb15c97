"""Stories that prove what Penny promises."""
