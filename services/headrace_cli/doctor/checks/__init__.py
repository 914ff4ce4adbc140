"""Pure judgements, by what they judge."""
