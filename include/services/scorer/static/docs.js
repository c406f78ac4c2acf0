// The OpenAPI document as a page, with a form to try each operation.

import { keyHeader } from "./key.js";

const place = document.getElementById("operations");

function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

function drawOperation(path, method, operation) {
  const box = element("section", { class: "card" });
  const title = `${method.toUpperCase()} ${path}`;
  box.append(element("h2", {}, element("code", {}, title)), element("p", {}, operation.summary));
  if (operation.description) box.append(element("p", { class: "hint" }, operation.description));
  for (const [type, media] of Object.entries(operation.requestBody?.content || {})) {
    const summary = element("summary", {}, `What is sent as ${type}`);
    box.append(element("details", {}, summary, element("pre", { tabindex: "0" }, JSON.stringify(media.schema, null, 1))));
  }
  const list = element("dl");
  for (const [status, { description }] of Object.entries(operation.responses)) {
    list.append(element("div", {}, element("dt", {}, status), element("dd", {}, description)));
  }
  box.append(element("details", {}, element("summary", {}, "What is answered"), list), drawTry(path, method, operation, title));
  return box;
}

function drawTry(path, method, operation, title) {
  const form = element("form", { "aria-label": `Try ${title}` });
  const inputs = (operation.parameters || []).filter((parameter) => parameter.in === "path").map((parameter) => {
    const input = element("input", { name: parameter.name, value: parameter.example || "" });
    form.append(element("label", {}, parameter.name, input));
    return input;
  });
  const media = operation.requestBody?.content["application/json"];
  let body;
  if (media) {
    body = element("textarea", { rows: "6", spellcheck: "false", "aria-label": `Body of ${title}` });
    const choices = Object.values(media.examples || {});
    if (choices.length) body.value = JSON.stringify(choices[0].value, null, 1);
    const pick = element("div", { class: "row" }, ...choices.map((choice) => {
      const button = element("button", { type: "button" }, choice.summary);
      button.addEventListener("click", () => { body.value = JSON.stringify(choice.value, null, 1); });
      return button;
    }));
    form.append(choices.length > 1 ? pick : "", body);
  }
  const output = element("pre", { role: "status", tabindex: "0", hidden: "" });
  form.append(element("div", { class: "row" }, element("button", { class: "primary" }, "Try it")), output);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const target = inputs.reduce((address, input) => address.replace(`{${input.name}}`, encodeURIComponent(input.value)), path);
    const headers = { ...(body ? { "Content-Type": "application/json" } : {}), ...keyHeader() };
    output.hidden = false;
    try {
      const answer = await fetch(target, { method: method.toUpperCase(), headers, body: body?.value });
      output.textContent = `${answer.status} ${answer.statusText}\n${pretty(await answer.text())}`;
    } catch (error) {
      output.textContent = `No answer: ${error.message}`;
    }
  });
  return form;
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 1);
  } catch {
    return text.slice(0, 20000);
  }
}

const { paths } = await (await fetch("/openapi.json")).json();
for (const [path, methods] of Object.entries(paths)) {
  for (const [method, operation] of Object.entries(methods)) place.append(drawOperation(path, method, operation));
}
