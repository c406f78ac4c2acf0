// Inside the Airflow UI the page follows Airflow's own switch between light and dark; by itself, the system.
(() => {
  "use strict";
  if (window.parent === window) return;
  const shell = window.parent.document.documentElement;
  const asked = "(prefers-color-scheme: dark)";
  const before = new Map();
  const follow = () => {
    const theme = ["dark", "light"].find((name) => shell.classList.contains(name));
    if (!theme) return;
    document.documentElement.style.colorScheme = theme;
    const answer = theme === "dark" ? "(min-width: 0px)" : "(max-width: 0px)";
    for (const sheet of document.styleSheets) {
      for (const rule of sheet.cssRules) {
        if (!(rule instanceof CSSMediaRule)) continue;
        if (!before.has(rule)) before.set(rule, rule.media.mediaText);
        rule.media.mediaText = before.get(rule).replace(asked, answer);
      }
    }
  };
  follow();
  new MutationObserver(follow).observe(shell, { attributeFilter: ["class"] });
})();
