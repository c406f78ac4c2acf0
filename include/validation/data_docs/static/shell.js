// Opens the links of the sandboxed page, which may lead to other Data Docs and to nothing else.
(() => {
  "use strict";
  const frame = document.querySelector("iframe");
  const root = new URL(frame.dataset.root, location.href);
  window.addEventListener("message", ({ source, data }) => {
    if (source !== frame.contentWindow || !URL.canParse(data?.open)) return;
    const target = new URL(data.open);
    if (target.origin !== root.origin || !target.pathname.startsWith(root.pathname)) return;
    if (target.pathname === root.pathname) location.assign(root);
    else frame.src = target;
  });
})();
