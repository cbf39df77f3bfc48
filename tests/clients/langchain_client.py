"""LangChain's ChatOpenAI against a server: BASE is its /v1, the library holds the eels."""
import os
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_openai import ChatOpenAI

model = ChatOpenAI(base_url=os.environ["BASE"], api_key="none", model="extractive", max_retries=0)
talk = [SystemMessage("Be brief."), HumanMessage("How many eels were counted at the weir in 2019?")]
answer = model.invoke(talk)
assert "412" in answer.content, answer
assert answer.response_metadata["finish_reason"] == "stop"

pieces = list(model.stream(talk))
assert "".join(piece.text if isinstance(piece.text, str) else piece.text() for piece in pieces) == answer.content

more = model.invoke([*talk, AIMessage(answer.content), HumanMessage("And when do silver eels leave the estuary?")])
assert "October" in more.content, more
# The same over the newer interface.
told = ChatOpenAI(
    base_url=os.environ["BASE"], api_key="none", model="extractive", max_retries=0, use_responses_api=True)
answer = told.invoke(talk)
assert "412" in answer.text, answer
assert answer.content[0]["annotations"][0]["type"] == "url_citation", answer.content
pieces = list(told.stream(talk))
assert "".join(piece.text for piece in pieces) == answer.text
print("langchain is content")
