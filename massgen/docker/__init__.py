"""The images that containers of agents run, as files: Dockerfiles and the script that builds them."""
