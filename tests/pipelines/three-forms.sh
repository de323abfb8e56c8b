#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The recipe, a gst-launch line, an XML file and the line that is printed from the XML are the same job: the same bytes.
. "$(dirname "$0")/job.sh"
require_fashion

quantize "$models/fashion-resnet.onnx" "$scratch/recipe.onnx" rounding=

launch onnxloader "location=$models/fashion-resnet.onnx" ! graphfuser ! graphcalibrator name=c ! graphquantizer \
  ! onnxexporter "location=$scratch/launch.onnx" \
  tensorsrc "location=$train" samples=512 ! tensorizer mean=0.2860 std=0.3530 ! c.tensors

cat >"$scratch/job.xml" <<XML
<pipeline xmlns="urn:pare:pipeline:1" version="1">
  <chain>
    <element factory="onnxloader"><property name="location">$models/fashion-resnet.onnx</property></element>
    <element factory="graphfuser"/>
    <element id="c" factory="graphcalibrator"/>
    <element factory="graphquantizer"/>
    <element factory="onnxexporter"><property name="location">$scratch/xml.onnx</property></element>
  </chain>
  <chain>
    <element factory="tensorsrc">
      <property name="location">$train</property>
      <property name="samples">512</property>
    </element>
    <element id="t" factory="tensorizer">
      <property name="mean">0.2860</property>
      <property name="std">0.3530</property>
    </element>
  </chain>
  <link from="t.src" to="c.tensors"/>
</pipeline>
XML
"$PARE" run "$scratch/job.xml" >/dev/null

line=$("$PARE" convert "$scratch/job.xml" | sed 's/xml\.onnx/converted.onnx/')
"$PARE" launch "$line" >/dev/null

for form in launch xml converted; do
  cmp "$scratch/recipe.onnx" "$scratch/$form.onnx" || fail "the $form form gives other bytes than the recipe."
done
