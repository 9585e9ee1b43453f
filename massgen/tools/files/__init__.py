"""File tools in the process, under the names of MCP servers (WS-110 to WS-142). All paths go through the policy."""
