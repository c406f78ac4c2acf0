"""The embedded servers and the command line behind ``./nightcatch``; nothing else imports it."""
