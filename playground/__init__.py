"""The playground: the whole product on one machine, with no account at all."""
