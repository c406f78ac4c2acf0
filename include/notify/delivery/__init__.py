"""Send messages to mail servers and webhooks, and queue in the bucket what could not be sent."""
