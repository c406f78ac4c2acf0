// The page's wiring: forms in, answers out.

import { Refusal, askJson, askModels, askTable, understand } from "./ask.js";
import { countLabels, drawDownload, drawFootnote, drawMany, drawOne, drawProblem, drawReasons, element } from "./draw.js";

const SHOWN_FILE_BYTES = 5 * 1024 * 1024;
const region = document.getElementById("answer");
const body = document.getElementById("answer-body");
const known = new Map([...document.querySelectorAll(".model[data-version]")].map((card) => [card.dataset.pipeline, card.dataset.version]));
let models = new Map();

function columns() {
  const names = [...document.querySelectorAll(".record-form [name]")].map((input) => input.name);
  return new Set([...names, "url"]);
}

async function modelOf(answer) {
  const { pipeline, version } = answer.model;
  if (models.get(pipeline)?.version !== version) models = await askModels();
  if (known.get(pipeline) !== version) document.getElementById("newer").hidden = false;
  return { ...models.get(pipeline), ...answer.model };
}

function show(...nodes) {
  for (const link of body.querySelectorAll("a[href^=blob]")) URL.revokeObjectURL(link.href);
  body.replaceChildren(...nodes);
  region.hidden = false;
  region.focus({ preventScroll: true });
  region.scrollIntoView({ block: "start" });
}

/** Show what `work` returns, or why there is no answer; the form's buttons rest meanwhile. */
async function answering(form, work) {
  const buttons = [...form.querySelectorAll("button")];
  buttons.forEach((button) => { button.disabled = true; });
  form.setAttribute("aria-busy", "true");
  try {
    show(...await work());
  } catch (error) {
    if (!(error instanceof Refusal)) console.error(error);
    show(drawProblem(error instanceof Refusal ? error : new Refusal({ detail: "The answer could not be shown." })));
  } finally {
    buttons.forEach((button) => { button.disabled = false; });
    form.removeAttribute("aria-busy");
  }
}

async function answerQuestion(question) {
  const answer = await askJson("record" in question || "url" in question ? "/explain" : "/predict", question);
  const model = await modelOf(answer);
  if (!answer.predictions) {
    const reasons = answer.explanation ? [drawReasons(answer.explanation, "url" in answer)] : [];
    return [drawOne(answer, model), ...reasons, drawFootnote(model, answer.id)];
  }
  const items = answer.predictions;
  const blob = new Blob([JSON.stringify(answer, null, 1)], { type: "application/json" });
  return [drawMany(items, model, countLabels(items)), element("div", { class: "row" }, drawDownload(blob, "predictions.json", "Download as JSON")),
    drawFootnote(model, items[0].id)];
}

async function answerTable(file) {
  if (file.size > SHOWN_FILE_BYTES) {
    const blob = await askTable(file, "text/csv");
    const words = element("p", {}, "The file is too large to be shown here. All of its rows are checked: ");
    return [element("div", { class: "card" }, words, drawDownload(blob, "predictions.csv", "Download as CSV"))];
  }
  const answer = await askTable(file);
  const model = await modelOf(answer);
  const save = element("button", { type: "button" }, "Download as CSV");
  const parts = [drawMany(answer.predictions, model, answer.by_label), element("div", { class: "row" }, save)];
  save.addEventListener("click", async () => {
    save.disabled = true;
    const link = drawDownload(await askTable(file, "text/csv"), "predictions.csv", "Save the CSV file");
    save.replaceWith(link);
    link.click();
    link.focus();
  });
  if (answer.ignored_columns.length) {
    parts.push(element("p", { class: "meta" }, `Columns the model does not read: ${answer.ignored_columns.join(", ")}`));
  }
  return [...parts, drawFootnote(model, answer.predictions[0]?.id || "none")];
}

function readRecord(form) {
  const record = {};
  for (const input of form.querySelectorAll("[name]")) {
    const text = input.value.trim();
    record[input.name] = text === "" ? null : Number.isNaN(Number(text)) ? text : Number(text);
  }
  return record;
}

function fillIn(form, how) {
  for (const input of form.querySelectorAll("[name]")) {
    if (!input.options) input.value = how === "none" ? "" : "0";
    else if (how === "none") input.value = "";
    else input.selectedIndex = how === "first" ? 0 : input.options.length - 2; // the last is "not known"
  }
}

function example() {
  const form = document.querySelector(".record-form");
  if (!form) return "http://suspicious-example.com/login\nhttps://example.org/";
  const record = {};
  for (const input of form.querySelectorAll("[name]")) record[input.name] = input.options ? Number(input.options[0].value) : 0;
  return JSON.stringify({ record }, null, 1);
}

for (const time of document.querySelectorAll("time")) {
  const moment = new Date(time.dateTime);
  if (!Number.isNaN(moment.getTime())) {
    time.title = time.dateTime;
    time.textContent = moment.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
  }
}

const paste = document.getElementById("paste-form");
if (paste) {
  const text = document.getElementById("paste");
  paste.addEventListener("submit", (event) => {
    event.preventDefault();
    answering(paste, async () => {
      const question = understand(text.value, columns());
      return "csv" in question ? answerTable(new File([question.csv], "pasted.csv")) : answerQuestion(question);
    });
  });
  document.getElementById("paste-example").addEventListener("click", () => { text.value = example(); text.focus(); });

  const fileForm = document.getElementById("file-form");
  const input = document.getElementById("file");
  const drop = document.getElementById("drop");
  fileForm.addEventListener("submit", (event) => {
    event.preventDefault();
    answering(fileForm, () => answerTable(input.files[0]));
  });
  drop.addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("over"); });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    if (!event.dataTransfer.files.length) return;
    input.files = event.dataTransfer.files;
    fileForm.requestSubmit();
  });
}

for (const form of document.querySelectorAll(".record-form")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    answering(form, () => answerQuestion({ record: readRecord(form), pipeline: form.dataset.pipeline }));
  });
  for (const button of form.querySelectorAll("[data-fill]")) button.addEventListener("click", () => fillIn(form, button.dataset.fill));
}
