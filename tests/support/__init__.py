"""Helpers of the tests: real servers, clients and small signed versions."""
