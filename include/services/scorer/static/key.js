// The API key that was typed into the page, where one is asked for.

export function keyHeader() {
  const key = document.getElementById("api-key")?.value;
  return key ? { Authorization: `Bearer ${key}` } : {};
}
