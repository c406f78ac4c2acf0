// Upload of the Labels page: a preview first, then the load of the same file.
(() => {
  "use strict";
  const form = document.getElementById("upload");
  if (!form) return;
  const { file, label, coding } = form.elements;
  const said = document.getElementById("said");
  const shown = document.getElementById("shown");
  const drop = form.querySelector(".drop");
  const asked = drop.textContent;

  const say = (text) => {
    said.hidden = !text;
    said.textContent = text;
  };

  const send = async (path, more) => {
    const chosen = file.files[0];
    const query = new URLSearchParams({ name: chosen.name, label: label.value, coding: coding.value, ...more });
    const response = await fetch(`${form.dataset.base}${path}?${query}`, {
      method: "POST",
      headers: { "Content-Type": "application/octet-stream", "X-NightCatch": "labels" },
      body: await chosen.arrayBuffer(),
    });
    if (response.ok) return response.text();
    const found = await response.json().catch(() => ({}));
    if (response.status === 401) throw new Error("You are not logged in any more.");
    throw new Error(typeof found.detail === "string" ? found.detail : `Airflow answered ${response.status}.`);
  };

  const show = async (button, text, path, more) => {
    button.disabled = true;
    say(text);
    try {
      // The server's own template, in which everything of the file is escaped.
      shown.innerHTML = await send(path, more);
      say("");
      shown.focus();
    } catch (problem) {
      shown.replaceChildren();
      say(problem.message);
    }
    button.disabled = false;
  };

  const changed = () => {
    shown.replaceChildren();
    say("");
    drop.textContent = file.files[0]?.name ?? asked;
  };
  for (const field of [file, label, coding]) field.addEventListener("change", changed);

  // The lines that were changed, as a file of their own, with all of their columns.
  const fixed = () => {
    const rows = [...shown.querySelectorAll("tr[data-cells]")].flatMap((row) => {
      const inputs = [...row.querySelectorAll("input")];
      if (inputs.every((input) => input.value === input.defaultValue)) return [];
      const typed = Object.fromEntries(inputs.map((input) => [input.name, input.value]));
      return [{ ...JSON.parse(row.dataset.cells), ...typed }];
    });
    if (!rows.length) return null;
    const columns = [...new Set(rows.flatMap(Object.keys))];
    const quoted = (cell) => `"${String(cell ?? "").replaceAll('"', '""')}"`;
    const lines = [columns, ...rows.map((row) => columns.map((column) => row[column]))];
    const text = lines.map((cells) => cells.map(quoted).join(",")).join("\n");
    return new File([text], `fixed lines of ${file.files[0].name}`, { type: "text/csv" });
  };

  for (const name of ["dragover", "dragleave", "drop"]) {
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", name === "dragover");
      if (name === "drop" && event.dataTransfer.files.length) {
        file.files = event.dataTransfer.files;
        changed();
      }
    });
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    show(form.querySelector("[type=submit]"), "Reading\u2026", "/preview", {});
  });
  shown.addEventListener("click", (event) => {
    const button = event.target.closest("#load");
    if (button) show(button, "Loading\u2026", "", { digest: button.dataset.digest });
    const fix = event.target.closest("#fix");
    if (!fix) return;
    const lines = fixed();
    if (!lines) {
      say("No line was changed.");
      return;
    }
    const files = new DataTransfer();
    files.items.add(lines);
    file.files = files.files;
    drop.textContent = lines.name;
    show(fix, "Reading\u2026", "/preview", {});
  });
})();
