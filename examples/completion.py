"""The team as a model of LiteLLM."""

import litellm

import massgen

massgen.register_with_litellm()
messages = [{"role": "user", "content": "Tabs or spaces?"}]
response = litellm.completion(model="massgen/demo/duo", messages=messages)
print(response.choices[0].message.content)
print("chosen:", response._hidden_params["massgen_selected_agent"])
