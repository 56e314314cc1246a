"""Runs a model in a reference runtime over pictures, for comparison with Virtue's own engine.

usage: reference.py MODEL.tflite WIDTH HEIGHT LOW HIGH FOLDER COUNT

FOLDER holds 0.rgb, 1.rgb, … (8 bits); for output K of picture N, N.K.f32 is written there. LOW and
HIGH are what the values 0 and 255 become. The attention mesh brings operators of its own, which only
mediapipe has; the rest runs in ai-edge-litert.
"""
import os
import sys

import numpy as np

model, width, height, low, high, folder, count = sys.argv[1:]
width, height, count = int(width), int(height), int(count)
low, high = float(low), float(high)


def picture(index):
    data = np.fromfile(f"{folder}/{index}.rgb", np.uint8)
    return data.reshape(height, width, 3)


def litert():
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=model, num_threads=1)
    interpreter.allocate_tensors()
    (entry,) = interpreter.get_input_details()
    for index in range(count):
        values = picture(index).astype(np.float32) * ((high - low) / 255) + low
        interpreter.set_tensor(entry["index"], values[None].astype(np.float32))
        interpreter.invoke()
        for place, output in enumerate(interpreter.get_output_details()):
            interpreter.get_tensor(output["index"]).astype(np.float32).tofile(
                f"{folder}/{index}.{place}.f32")


def mediapipe():
    import mediapipe as mp
    from mediapipe.python import _framework_bindings
    from google.protobuf import text_format
    from mediapipe.calculators.core import split_vector_calculator_pb2  # noqa: F401
    from mediapipe.calculators.tensor import image_to_tensor_calculator_pb2  # noqa: F401
    from mediapipe.calculators.tensor import inference_calculator_pb2  # noqa: F401
    from mediapipe.calculators.tflite import tflite_custom_op_resolver_calculator_pb2  # noqa: F401
    from mediapipe.framework import calculator_pb2

    outputs = 7
    package = os.path.dirname(mp.__file__)
    _framework_bindings.resource_util.set_resource_dir(os.path.dirname(package))
    floats = "\n".join(
        f"""output_stream: "f{k}"
        node {{ calculator: "TensorsToFloatsCalculator"
          input_stream: "TENSORS:s{k}" output_stream: "FLOATS:f{k}" }}"""
        for k in range(outputs))
    streams = " ".join(f'output_stream: "s{k}"' for k in range(outputs))
    ranges = " ".join(f"ranges {{ begin: {k} end: {k + 1} }}" for k in range(outputs))
    # The package's own copy of the model: its digest is the one that Virtue pins.
    graph = f"""
        input_stream: "image"
        node {{ calculator: "ToImageCalculator"
          input_stream: "IMAGE_CPU:image" output_stream: "IMAGE:picture" }}
        node {{ calculator: "ImageToTensorCalculator"
          input_stream: "IMAGE:picture" output_stream: "TENSORS:tensor"
          options {{ [mediapipe.ImageToTensorCalculatorOptions.ext] {{
            output_tensor_width: {width} output_tensor_height: {height}
            output_tensor_float_range {{ min: {low} max: {high} }} }} }} }}
        node {{ calculator: "TfLiteCustomOpResolverCalculator"
          output_side_packet: "OP_RESOLVER:resolver"
          options {{ [mediapipe.TfLiteCustomOpResolverCalculatorOptions.ext] {{ use_gpu: false }} }} }}
        node {{ calculator: "InferenceCalculator"
          input_side_packet: "OP_RESOLVER:resolver"
          input_stream: "TENSORS:tensor" output_stream: "TENSORS:all"
          options {{ [mediapipe.InferenceCalculatorOptions.ext] {{
            model_path: "mediapipe/modules/face_landmark/{os.path.basename(model)}"
            delegate {{ xnnpack {{ num_threads: 1 }} }} }} }} }}
        node {{ calculator: "SplitTensorVectorCalculator" input_stream: "all" {streams}
          options {{ [mediapipe.SplitVectorCalculatorOptions.ext] {{ {ranges} }} }} }}
        {floats}"""
    for index in range(count):
        calculator = mp.CalculatorGraph(
            graph_config=text_format.Parse(graph, calculator_pb2.CalculatorGraphConfig()))
        found = {}

        def keep(name, packet):
            found[name] = np.array(mp.packet_getter.get_float_list(packet), np.float32)

        for k in range(outputs):
            calculator.observe_output_stream(f"f{k}", keep)
        calculator.start_run()
        frame = mp.ImageFrame(
            image_format=mp.ImageFormat.SRGB, data=np.ascontiguousarray(picture(index)))
        calculator.add_packet_to_input_stream(
            "image", mp.packet_creator.create_image_frame(frame).at(0))
        calculator.close_all_packet_sources()
        calculator.wait_until_done()
        for k in range(outputs):
            found[f"f{k}"].tofile(f"{folder}/{index}.{k}.f32")


mediapipe() if "attention" in model else litert()
