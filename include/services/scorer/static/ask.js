// What a person pasted becomes a request, and the service's answer an object.

export class Refusal extends Error {
  constructor(problem) {
    super(problem.detail || problem.title || "The service could not answer.");
    this.faults = problem.errors || [];
  }
}

/** Return {url | urls | record | records} or {csv} for a pasted text; `names` are known columns. */
export function understand(text, names) {
  const trimmed = text.trim();
  if (!trimmed) throw new Refusal({ detail: "Nothing was pasted." });
  if (trimmed.startsWith("{") || trimmed.startsWith("[")) return fromJson(trimmed);
  const header = trimmed.split(/\r?\n/, 1)[0].split(/[,;\t]/).map((name) => name.trim().replace(/^"|"$/g, ""));
  if (header.some((name) => names.has(name))) return { csv: trimmed };
  const lines = trimmed.split(/\r?\n/).map((line) => line.trim()).filter(Boolean);
  return lines.length === 1 ? { url: lines[0] } : { urls: lines };
}

function fromJson(text) {
  let value;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Refusal({ detail: `This is not JSON: ${error.message}` });
  }
  if (Array.isArray(value)) return typeof value[0] === "string" ? { urls: value } : { records: value };
  const isQuestion = ["record", "records", "url", "urls"].some((member) => member in value);
  return isQuestion ? value : { record: value };
}

export function askJson(path, question) {
  return send(path, { body: JSON.stringify(question), headers: { "Content-Type": "application/json" } });
}

/** Return the service's answer to a CSV file, as an object or, where `accept` is CSV, as a blob. */
export function askTable(file, accept = "application/json") {
  const body = new FormData();
  body.append("file", file, file.name || "pasted.csv");
  return send("/predict", { body, headers: { Accept: accept } });
}

/** Return the header of the key that was typed into the page, where one is asked for. */
export function keyHeader() {
  const key = document.getElementById("api-key")?.value;
  return key ? { Authorization: `Bearer ${key}` } : {};
}

async function send(path, { body, headers }) {
  let answer;
  try {
    answer = await fetch(path, { method: "POST", body, headers: { ...headers, ...keyHeader() } });
  } catch {
    throw new Refusal({ detail: "The service cannot be reached; try again in a moment." });
  }
  const isJson = /json/.test(answer.headers.get("Content-Type") || "");
  if (!answer.ok) throw new Refusal(isJson ? await answer.json() : { detail: `The service answered ${answer.status}.` });
  return isJson ? answer.json() : answer.blob();
}

/** Return the models in production by pipeline. */
export async function askModels() {
  const answer = await fetch("/version");
  const { models } = await answer.json();
  return new Map(models.map((model) => [model.pipeline, model]));
}
