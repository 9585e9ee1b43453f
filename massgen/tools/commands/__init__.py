"""The command line of an agent: `mcp__command_line__*` tools (EXEC-001). `offer.command_tools` makes them."""
