"""JSON requests and responses: parsing, scoring, problem details, the OpenAPI document."""
