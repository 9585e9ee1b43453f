"""Where an agent's commands run; `protocol.py` says what a sandbox is, `choice.py` picks one."""
