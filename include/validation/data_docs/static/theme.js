// Inside the Airflow UI the page follows Airflow's own switch between light and dark.
(() => {
  "use strict";
  if (self.origin === "null" || window.parent === window) return;
  const airflow = window.parent.document.documentElement;
  const follow = () => {
    const theme = ["dark", "light"].find((name) => airflow.classList.contains(name));
    document.documentElement.style.colorScheme = theme ?? "";
  };
  follow();
  new MutationObserver(follow).observe(airflow, { attributeFilter: ["class"] });
})();
