"""The terminal application: a viewer of events and a sender of commands. It runs no engine."""
