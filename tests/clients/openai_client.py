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

# The newer interface tells the same.
told = client.responses.create(model="extractive", input=QUESTION[0]["content"], instructions="Be brief.")
assert told.object == "response" and told.status == "completed" and told.output_text == message.content, told
first_told = told.output[0].content[0].annotations[0]
assert first_told.type == "url_citation" and first_told.url == first.url and told.sources[0]["quote"]
assert "October" in told.output_text[first_told.start_index:first_told.end_index]
assert told.usage.total_tokens == told.usage.input_tokens + told.usage.output_tokens

events = list(client.responses.create(model="extractive", input=QUESTION, stream=True))
assert [event.sequence_number for event in events] == list(range(len(events)))
assert [events[0].type, events[-1].type] == ["response.created", "response.completed"], events
assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == told.output_text
added = [event for event in events if event.type == "response.output_text.annotation.added"]
assert [event.annotation.url for event in added] == [one.url for one in told.output[0].content[0].annotations]
assert events[-1].response.output_text == told.output_text

with client.responses.stream(model="extractive:deep", input=QUESTION) as stream:
    put_together = stream.get_final_response()
thinking, said = put_together.output
assert thinking.type == "reasoning" and "Searching" in thinking.summary[0].text, thinking
assert said.type == "message" and "October" in put_together.output_text
# What was answered goes back as it came.
talk = [*QUESTION, *put_together.output, {"role": "user", "content": [
    {"type": "input_text", "text": "How many eels were counted at the weir in 2019?"}]}]
assert "412" in client.responses.create(model="extractive", input=talk).output_text


def fails(kind, create=client.chat.completions.create, **request):
    asked = {"input": "Eels?"} if create == client.responses.create else {"messages": QUESTION}
    try:
        create(**{"model": "extractive", **asked, **request})
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
for request in (
    {"previous_response_id": "resp_1"}, {"background": True}, {"input": []}, {"tool_choice": "required"},
    {"input": [{"type": "function_call_output", "call_id": "1", "output": "x"}]},
    {"text": {"format": {"type": "json_object"}}},
):
    fails(openai.BadRequestError, client.responses.create, **request)
fails(openai.NotFoundError, client.responses.create, model="gpt-none")
print("openai", openai.__version__, "is content")
