"""Who may call: API keys, rate limits, CORS."""
