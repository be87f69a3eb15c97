// Files to try an upload with, made on the spot: a picture, a sheet, a document.

const SALES = [320, 280, 410, 520];

/** Return the sample files as `{name, make()}`; `make` resolves to a File. */
export const SAMPLES = [
  { name: "chart.png", make: picture },
  { name: "sales.csv", make: async () => new File([sheet()], "sales.csv", { type: "text/csv" }) },
  { name: "contract.pdf", make: async () => new File([page()], "contract.pdf", { type: "application/pdf" }) },
];

const sheet = () => ["quarter,sales", ...SALES.map((sum, at) => `Q${at + 1},${sum}`)].join("\n");

async function picture() {
  const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 180 });
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#fbeee4";
  pen.fillRect(0, 0, 320, 180);
  pen.fillStyle = "#a9552a";
  SALES.forEach((sum, at) => pen.fillRect(30 + at * 70, 160 - sum / 4, 44, sum / 4));
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  return new File([blob], "chart.png", { type: "image/png" });
}

/** The least that readers take for a PDF of one empty page. */
const page = () =>
  "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n" +
  "3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n";
