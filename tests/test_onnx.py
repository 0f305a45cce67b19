"""The ONNX operator that the facts name computes what the activation does, by ONNX's own reference."""

import re
from dataclasses import replace

import numpy as np
import pytest
from onnx import TensorProto, defs, helper
from onnx.reference import ReferenceEvaluator

import halfwave as hw
from halfwave.facts import evaluate

WITH_OPERATOR = [f for f in hw.activations.values() if f._facts.onnx]
each_operator = pytest.mark.parametrize("f", WITH_OPERATOR, ids=lambda f: f.name)
X = np.concatenate([np.linspace(-12.0, 12.0, 4801), [0.0, -0.0, 1e-30, -1e-30]])


def named_in(text):
    return set(re.findall(r"[a-z_]\w*", text)) if isinstance(text, str) else set()


def at(slope, values):
    """An attribute as ONNX takes it: an expression in the parameters, or a text of its own."""
    return evaluate(slope, values) if named_in(slope) <= values.keys() else slope


def parameter_sets(f):
    """The defaults, and every value that is tried of a parameter which the operator has, too."""
    onnx, defaults = f._facts.onnx, {name: p.default for name, p in f.parameters.items()}
    named = set().union(*map(named_in, [*dict(onnx.attributes).values(), *onnx.inputs]))
    others = [{name: value} for name in named & f.parameters.keys() for value in tried(f, name)]
    return [defaults, *(defaults | other for other in others)]


def tried(f, name):
    return f.parameters[name].tried or (0.5, 1.75)  # of few digits, as the operator would round it


def run(onnx, x, values):
    """The operator on x, in the float64 of a model of one node."""
    kind = TensorProto.DOUBLE
    extra = [float(evaluate(v, values)) for v in onnx.inputs]
    names = [f"input_{k}" for k in range(len(extra))]
    attributes = {name: at(v, values) for name, v in onnx.attributes}
    node = helper.make_node(onnx.operator, ["x", *names], ["y"], **attributes)
    graph = helper.make_graph(
        [node],
        "one node",
        [helper.make_tensor_value_info("x", kind, ["n"])],
        [helper.make_tensor_value_info("y", kind, ["n"])],
        [
            helper.make_tensor(name, kind, [], [value])
            for name, value in zip(names, extra, strict=True)
        ],
    )
    version = helper.make_opsetid("", defs.onnx_opset_version())
    with np.errstate(all="ignore"):
        model = helper.make_model(graph, opset_imports=[version])
        return ReferenceEvaluator(model).run(None, {"x": x})[0]


def differences(f, onnx):
    """By parameters, how far the operator is from the activation."""
    return {
        str(values): float(np.abs(run(onnx, X, values) - f(X, **values)).max())
        for values in parameter_sets(f)
    }


@each_operator
def test_the_operator_computes_what_the_activation_does(f):
    # Its attributes are float32, as in every ONNX file.
    assert {k: d for k, d in differences(f, f._facts.onnx).items() if not d < 3e-6} == {}


@each_operator
def test_its_attributes_and_inputs_are_those_of_the_standard(f):
    onnx, schema = f._facts.onnx, defs.get_schema(f._facts.onnx.operator)
    assert {name for name, _ in onnx.attributes} <= schema.attributes.keys()
    assert schema.min_input <= 1 + len(onnx.inputs) <= schema.max_input


@pytest.mark.parametrize("operator", ["Relu", "Elu", "Identity"])
def test_another_operator_is_told_apart(operator):
    assert max(differences(hw.gelu, replace(hw.gelu._facts.onnx, operator=operator)).values()) > 0.1
