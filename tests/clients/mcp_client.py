"""The official mcp package against a server: URL is its /mcp, IBID and DATA are the binary and the
data folder for standard input and output. The library holds the eels."""
import asyncio
import json
import os
from mcp import Client, MCPError, StdioServerParameters

ENVIRONMENT = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}


async def called(client, name, **arguments):
    result = await client.call_tool(name, arguments)
    assert not result.is_error, result
    assert json.loads(result.content[0].text) == result.structured_content
    return result.structured_content


async def talk(client):
    tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert set(tools) == {"search", "fetch", "ask", "list_documents"}, tools
    assert all(tool.annotations.read_only_hint for tool in tools.values())

    found = (await called(client, "search", query="When do silver eels leave the estuary?"))["results"]
    assert found and all(set(result) == {"id", "title", "url"} for result in found), found
    fetched = await called(client, "fetch", id=found[0]["id"])
    assert set(fetched) == {"id", "title", "text", "url", "metadata"}, fetched
    assert "October" in fetched["text"] and fetched["url"] == found[0]["url"], fetched
    whole = await called(client, "fetch", id=fetched["metadata"]["document_id"])
    assert "412 eels" in whole["text"], whole

    steps = []
    async def progress(done, total, message):
        steps.append(message)
    asked = await client.call_tool(
        "ask", {"question": "How many eels were counted in 2019?"}, progress_callback=progress)
    answer = asked.structured_content
    assert "412" in answer["answer"] and "412" in answer["citations"][0]["quote"], answer
    assert steps, "the steps are told"

    listed = await called(client, "list_documents")
    assert [document["name"] for document in listed["documents"]] == ["eels.md"], listed
    wrong = await client.call_tool("fetch", {"id": "nothing"})
    assert wrong.is_error and "not found" in wrong.content[0].text, wrong

    resources = (await client.list_resources()).resources
    text = (await client.read_resource(str(resources[0].uri))).contents[0].text
    assert text == whole["text"]
    assert len((await client.list_resource_templates()).resource_templates) == 2
    passage = await client.read_resource(f"{resources[0].uri}/passages/0")
    assert passage.contents[0].text in text
    try:
        await client.read_resource("ibid://documents/nothing")
    except MCPError:
        return
    raise AssertionError("a resource that is not there is read")


async def main():
    stdio = StdioServerParameters(
        command=os.environ["IBID"], args=["--data", os.environ["DATA"], "mcp"], env=ENVIRONMENT)
    for mode in ("legacy", "auto"):
        for server in (os.environ["URL"], stdio):
            async with Client(server, mode=mode) as client:
                await talk(client)
                print(mode, client.protocol_version, "over", "HTTP" if server is not stdio else "stdio")

asyncio.run(main())
