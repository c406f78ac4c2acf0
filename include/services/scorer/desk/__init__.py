"""The analyst's page: what was pasted, and what is shown of a response; no HTTP, no markup."""
