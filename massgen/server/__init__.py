"""`massgen serve`: the team behind OpenAI's chat completions (SRV-001 to SRV-015)."""
