"""The official openai package against a server: BASE is its /v1, the library holds the eels."""
import os
import openai

client = openai.OpenAI(base_url=os.environ["BASE"], api_key="none", max_retries=0)
QUESTION = [{"role": "user", "content": "When do silver eels leave the Halden estuary?"}]

names = [model.id for model in client.models.list()]
assert "extractive" in names and "extractive:deep" in names, names
assert client.models.retrieve("extractive:deep").id == "extractive:deep"

answer = client.chat.completions.create(model="extractive", messages=QUESTION, temperature=0.2, user="someone")
message = answer.choices[0].message
assert answer.object == "chat.completion" and message.role == "assistant"
assert "October" in message.content, message.content
assert answer.choices[0].finish_reason == "stop" and answer.usage is not None
first = message.annotations[0].url_citation
assert "October" in message.content[first.start_index:first.end_index]
assert first.url.startswith(os.environ["BASE"].removesuffix("/v1") + "/d/"), first.url
assert answer.sources[0]["verdict"] == "supported"

chunks = list(client.chat.completions.create(
    model="extractive", messages=QUESTION, stream=True, stream_options={"include_usage": True}))
said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
assert said == message.content
assert chunks[-1].usage is not None and not chunks[-1].choices
assert chunks[-2].choices[0].finish_reason == "stop"
assert chunks[-3].choices[0].delta.annotations[0]["url_citation"]["url"] == first.url

# The helper that puts chunks together.
with client.chat.completions.stream(model="extractive", messages=QUESTION) as stream:
    put_together = stream.get_final_completion().choices[0].message
assert put_together.content == message.content

parts = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": [
    {"type": "text", "text": "When do silver eels leave the Halden estuary?"}]}]
assert "October" in client.chat.completions.create(model="extractive", messages=parts).choices[0].message.content

deep = list(client.chat.completions.create(model="extractive:deep", messages=QUESTION, stream=True))
thoughts = "".join(chunk.choices[0].delta.model_extra.get("reasoning_content") or "" for chunk in deep)
assert "Searching" in thoughts, thoughts
assert deep[-1].choices[0].finish_reason == "stop"


def fails(kind, **request):
    try:
        client.chat.completions.create(**{"model": "extractive", "messages": QUESTION, **request})
    except openai.APIStatusError as error:
        assert type(error) is kind, error
        assert error.body["message"] and error.body["type"], error.body
        return error
    raise AssertionError(f"{request} is answered")


assert fails(openai.NotFoundError, model="gpt-none").code == "model_not_found"
assert "`n`" in fails(openai.BadRequestError, n=2).message
fails(openai.BadRequestError, tool_choice="required", tools=[
    {"type": "function", "function": {"name": "f", "parameters": {}}}])
fails(openai.BadRequestError, response_format={"type": "json_object"})
fails(openai.BadRequestError, messages=[{"role": "user", "content": "x" * 40_000}])
fails(openai.NotFoundError, extra_body={"document_ids": ["018f0000-0000-7000-8000-000000000000"]})
print("openai", openai.__version__, "is content")
