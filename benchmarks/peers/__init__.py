"""The same topic through Headrace and through the other ways into a table, measured alike."""
