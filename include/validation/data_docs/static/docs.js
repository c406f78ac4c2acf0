// A page of the bucket is sandboxed: it has no session, so the frame around it opens its links.
(() => {
  "use strict";
  if (self.origin !== "null" || window.parent === window) return;
  const open = (event) => {
    const link = event.target.closest("a[href], [data-href]");
    const address = link?.getAttribute("href") ?? link?.dataset.href;
    if (!address || address.startsWith("#")) return;
    event.preventDefault();
    event.stopPropagation();
    window.parent.postMessage({ open: new URL(address, document.baseURI).href }, "*");
  };
  document.addEventListener("click", open, true);
})();
