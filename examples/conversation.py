"""A conversation of two turns; what happens is seen while it happens."""

import asyncio

import massgen
from massgen.events.types import NewAnswer, Vote


async def main() -> None:
    async with massgen.open("@examples/demo/duo") as team:
        asking = team.ask("Tabs or spaces?")
        async for event in asking:
            match event.body:
                case NewAnswer(label=label):
                    print(event.agent_id, "answered:", label)
                case Vote(agent=agent, reason=reason):
                    print(event.agent_id, "voted for", agent, "because:", reason)
        print((await asking).answer)
        print((await team.ask("And who may decide?")).answer)


asyncio.run(main())
