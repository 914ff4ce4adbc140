"""Tables that people write themselves, as the services do: durable files, and commits that nobody overtakes."""
