// What the page does besides its forms, which work without this script: results come without
// loading the page again, keys are sent, things are copied and saved. All markup is the server's.

import { keyHeader } from "./key.js";

const answer = document.getElementById("answer");
let last; // the request that led to what is on screen, to be sent again for a download

/** Return a form's fields as a request; a button that sends it may have a value. */
function requestOf(form, submitter) {
  const fields = new FormData(form, submitter);
  return { method: "POST", body: form.enctype === "multipart/form-data" ? fields : new URLSearchParams(fields) };
}

/** Send a request; throw an Error for people if there is no response, or one that says why. */
async function send(path, request, headers) {
  let response;
  try {
    response = await fetch(path, { ...request, headers: { ...headers, ...keyHeader() } });
  } catch {
    throw new Error("The service cannot be reached; try again in a moment.");
  }
  if (response.status === 401) throw new Error("This service answers clients it knows: type a valid API key above.");
  const type = response.headers.get("Content-Type") || "";
  if (response.ok || type.startsWith("text/html")) return response;
  const problem = /json/.test(type) ? await response.json() : {};
  const faults = (problem.errors || []).map((fault) => fault.detail);
  throw new Error([problem.detail || `The service answered ${response.status}.`, ...faults].join(" "));
}

/** Return the page that the service answers a form with. */
async function ask(request) {
  const response = await send("/", request, { Accept: "text/html" });
  return new DOMParser().parseFromString(await response.text(), "text/html");
}

const resultOf = (page) => [...page.getElementById("answer").children];

function problemBox(error) {
  const box = document.createElement("div");
  const words = document.createElement("h2");
  box.className = "card error";
  box.setAttribute("role", "alert");
  words.textContent = error.message;
  box.append(words);
  return box;
}

function show(...nodes) {
  answer.replaceChildren(...nodes);
  answer.hidden = false;
  enhance(answer);
  answer.focus({ preventScroll: true });
  answer.scrollIntoView({ block: "nearest" });
}

async function check(form, submitter) {
  const buttons = [...form.querySelectorAll("button")];
  const request = requestOf(form, submitter);
  if (submitter?.name === "text") document.getElementById("text").value = submitter.value;
  buttons.forEach((button) => { button.disabled = true; });
  form.setAttribute("aria-busy", "true");
  try {
    const page = await ask(request);
    last = request;
    document.title = page.title;
    show(...resultOf(page));
    document.querySelector(".models").replaceWith(page.querySelector(".models"));
    enhance(document.querySelector(".models"));
  } catch (error) {
    show(problemBox(error));
  } finally {
    buttons.forEach((button) => { button.disabled = false; });
    form.removeAttribute("aria-busy");
  }
}

/** Open the result of one row below it, or close it. */
async function explainRow(form, button) {
  const row = button.closest("tr");
  const open = row.nextElementSibling?.matches(".opened") && row.nextElementSibling;
  button.setAttribute("aria-expanded", String(!open));
  if (open) {
    open.remove();
    return;
  }
  const cell = document.createElement("td");
  cell.colSpan = row.cells.length;
  const opened = document.createElement("tr");
  opened.className = `${row.className} opened`;
  opened.append(cell);
  const request = requestOf(form, button); // before the button rests: a disabled one has no value
  button.disabled = true;
  try {
    cell.append(...resultOf(await ask(request)));
  } catch (error) {
    cell.append(problemBox(error));
  }
  button.disabled = false;
  row.after(opened);
  enhance(opened);
}

async function sendFeedback(form) {
  const said = form.querySelector(".said");
  const { label, comment } = Object.fromEntries(new FormData(form));
  const label_of = { id: form.dataset.id, label, source: "page", ...(comment.trim() ? { comment: comment.trim() } : {}) };
  try {
    await send("/feedback", { method: "POST", body: JSON.stringify(label_of) }, { "Content-Type": "application/json" });
    form.querySelector("button").disabled = true;
    said.textContent = "Thank you. It waits for review.";
  } catch (error) {
    said.textContent = error.message;
  }
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

async function copy(button, text) {
  const words = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "The browser does not allow it";
  }
  setTimeout(() => { button.textContent = words; }, 2000);
}

/** Make the parts of `root` work that need this script. */
function enhance(root) {
  const needing = ".wrong, [data-copy], [data-copy-from], [data-download], [data-fills]";
  for (const node of root.querySelectorAll(needing)) node.hidden = false;
  for (const button of root.querySelectorAll("button[form=again]")) button.setAttribute("aria-expanded", "false");
  for (const time of root.querySelectorAll("time")) {
    const moment = new Date(time.dateTime);
    if (Number.isNaN(moment.getTime())) continue;
    time.title = time.dateTime;
    time.textContent = moment.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
  }
}

function fillIn(form, how) {
  for (const input of form.querySelectorAll("select, input:not([type=hidden])")) {
    if (how === "none") input.value = "";
    else if (!input.options) input.value = "0";
    else input.selectedIndex = how === "first" ? 0 : input.options.length - 2; // the last is "not known"
  }
}

document.addEventListener("submit", (event) => {
  const { target: form, submitter } = event;
  if (!form.matches(".ask, .feedback")) return;
  event.preventDefault();
  if (form.matches(".feedback")) sendFeedback(form);
  else if (form.id === "again") explainRow(form, submitter);
  else check(form, submitter);
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button, a");
  if (!button) return;
  const { copy: text, copyFrom, copyLink, download, name, fill } = button.dataset;
  if (text !== undefined) copy(button, text);
  else if (copyFrom) copy(button, document.getElementById(copyFrom).textContent);
  else if (copyLink !== undefined) {
    event.preventDefault();
    history.replaceState(null, "", button.href);
    copy(button, button.href);
  } else if (fill) fillIn(button.form, fill);
  else if (download) {
    try {
      last ??= requestOf(document.getElementById("box"));
      save(await (await send("/", last, { Accept: download })).blob(), name);
    } catch (error) {
      button.after(problemBox(error));
    }
  }
});

document.getElementById("text")?.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    event.target.form.requestSubmit();
  }
});

const file = document.getElementById("file");
if (file) {
  document.addEventListener("dragover", (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    document.body.classList.add("over");
  });
  document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) document.body.classList.remove("over"); });
  document.addEventListener("drop", (event) => {
    document.body.classList.remove("over");
    if (!event.dataTransfer.files.length) return;
    event.preventDefault();
    file.files = event.dataTransfer.files;
    file.form.requestSubmit();
  });
}

enhance(document);
