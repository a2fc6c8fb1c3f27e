"""The tests: unit, property, contract, integration and end to end."""
