"""Commands in a container, through the command line of Docker or Podman (EXEC-030 to EXEC-062)."""
