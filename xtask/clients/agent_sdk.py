"""The tool loop of Claude Code, driven by claude-agent-sdk. Arguments: none."""

import asyncio
import os

from claude_agent_sdk import ClaudeAgentOptions, ResultMessage, query


async def main():
    options = ClaudeAgentOptions(
        model=os.environ["MODEL"], permission_mode="bypassPermissions", cwd=os.getcwd()
    )
    async for message in query(prompt="Write the note.", options=options):
        if isinstance(message, ResultMessage):
            print(message.result)


asyncio.run(main())
