//! From the spectrum to its Gramian image inside the model.

use super::{
    build::{Builder, Setting},
    proto::tensor_proto::DataType,
};
use crate::{ImageLayer, NetworkError};
use assay_gramian::{CONSTANT_RANGE, Field};

/// Emits the image `[n, 1, S, S]`. Aggregation, scaling and sine are in double precision, the
/// outer products in single: both products are rounded before they are subtracted, so that the
/// difference image is exactly antisymmetric.
///
/// # Source
/// As [`assay_gramian::Imaging::image_f32`], operation by operation.
pub(super) fn emit(
    builder: &mut Builder,
    layer: &ImageLayer,
    (name, spectrum): (&str, &str),
    output: &str,
) -> Result<(), NetworkError> {
    let mut part = Part { builder, name };
    let double = part.cast(spectrum, "double", DataType::Double);
    let values = part.aggregate(layer, double)?;
    let (cosine, sine) = match layer.imaging.sample_range {
        Some(range) => part.scaled(&values, range),
        None => part.unscaled(&values),
    };
    let cosine = part.cast(&cosine, "cosine_f32", DataType::Float);
    let sine = part.cast(&sine, "sine_f32", DataType::Float);
    let mut column = |value: &str, suffix: &str| {
        let output = part.named(&format!("{suffix}_column"));
        part.builder.unsqueeze(value, &[1, 3], &output)
    };
    let (cosine_i, sine_i) = (column(&cosine, "cosine"), column(&sine, "sine"));
    let mut row = |value: &str, suffix: &str| {
        let output = part.named(&format!("{suffix}_row"));
        part.builder.unsqueeze(value, &[1, 2], &output)
    };
    let (cosine_j, sine_j) = (row(&cosine, "cosine"), row(&sine, "sine"));
    let (first, second) = match layer.imaging.field {
        Field::Difference => ((sine_i, cosine_j), (cosine_i, sine_j)),
        Field::Summation => ((cosine_i, cosine_j), (sine_i, sine_j)),
    };
    let first = part.binary("Mul", (&first.0, &first.1), "first");
    let second = part.binary("Mul", (&second.0, &second.1), "second");
    builder.node("Sub", &[&first, &second], output, Vec::new());
    Ok(())
}

struct Part<'a> {
    builder: &'a mut Builder,
    name: &'a str,
}

impl Part<'_> {
    fn named(&self, suffix: &str) -> String {
        format!("{}.{suffix}", self.name)
    }

    fn cast(&mut self, input: &str, suffix: &str, to: DataType) -> String {
        let output = self.named(suffix);
        let settings = vec![("to", Setting::Int(to as i64))];
        self.builder.node("Cast", &[input], &output, settings)
    }

    fn binary(&mut self, op: &str, (a, b): (&str, &str), suffix: &str) -> String {
        let output = self.named(suffix);
        self.builder.node(op, &[a, b], &output, Vec::new())
    }

    fn choose(&mut self, condition: &str, (a, b): (&str, &str), suffix: &str) -> String {
        let output = self.named(suffix);
        self.builder
            .node("Where", &[condition, a, b], &output, Vec::new())
    }

    fn number(&mut self, value: f64, suffix: &str) -> String {
        let name = self.named(suffix);
        self.builder.doubles(&name, &[], &[value])
    }

    /// The mean of every segment: gather, weigh, sum.
    fn aggregate(&mut self, layer: &ImageLayer, values: String) -> Result<String, NetworkError> {
        let segments = layer.imaging.padded_segments(layer.bins)?;
        if segments.longest == 1 {
            return Ok(values);
        }
        let shape = [segments.segments, segments.longest];
        let (indices, weights) = (self.named("bins"), self.named("bin_weights"));
        self.builder.integers(&indices, &shape, &segments.indices);
        self.builder.doubles(&weights, &shape, &segments.weights);
        let gathered = self.named("segments");
        let axis = vec![("axis", Setting::Int(1))];
        self.builder
            .node("Gather", &[&values, &indices], &gathered, axis);
        let weighed = self.binary("Mul", (&gathered, &weights), "weighed");
        let (means, axes) = (self.named("means"), self.builder.axes(&[2]));
        let settings = vec![("keepdims", Setting::Int(0))];
        Ok(self
            .builder
            .node("ReduceSum", &[&weighed, &axes], &means, settings))
    }

    /// Cosine and sine of values scaled to a range, without cancellation at its ends.
    fn scaled(&mut self, values: &str, (low, high): (f64, f64)) -> (String, String) {
        let names = [self.named("max"), self.named("min")];
        let max = self.builder.extreme("ReduceMax", values, 1, &names[0]);
        let min = self.builder.extreme("ReduceMin", values, 1, &names[1]);
        let spread = self.binary("Sub", (&max, &min), "spread");
        let smallest = self.number(CONSTANT_RANGE, "constant_range");
        let constant = self.binary("Less", (&spread, &smallest), "is_constant");
        let (zero, one) = (self.number(0.0, "zero"), self.number(1.0, "one"));
        let half = self.number(0.5, "half");
        let divisor = self.choose(&constant, (&one, &spread), "divisor");
        let above = self.binary("Sub", (values, &min), "above_min");
        let above = self.binary("Div", (&above, &divisor), "from_min");
        let from_min = self.choose(&constant, (&zero, &above), "u");
        let below = self.binary("Sub", (&max, values), "below_max");
        let below = self.binary("Div", (&below, &divisor), "from_max");
        let from_max = self.choose(&constant, (&one, &below), "v");
        let width = self.number(high - low, "width");
        let up = self.binary("Mul", (&width, &from_min), "width_u");
        let down = self.binary("Mul", (&width, &from_max), "width_v");
        let base = self.number(1.0 + low, "one_plus_low");
        let above = self.binary("Add", (&base, &up), "one_plus_cosine");
        let base = self.number(1.0 - high, "one_minus_high");
        let below = self.binary("Add", (&base, &down), "one_minus_cosine");
        let (low, high) = (self.number(low, "low"), self.number(high, "high"));
        let upwards = self.binary("Add", (&low, &up), "cosine_from_low");
        let downwards = self.binary("Sub", (&high, &down), "cosine_from_high");
        let nearer = self.binary("Less", (&from_min, &half), "is_near_low");
        let cosine = self.choose(&nearer, (&upwards, &downwards), "cosine");
        let sine = self.sine(&above, &below);
        (cosine, sine)
    }

    /// Values that are cosines already; outside [-1, 1] the sine is not a number.
    fn unscaled(&mut self, values: &str) -> (String, String) {
        let one = self.number(1.0, "one");
        let above = self.binary("Add", (&one, values), "one_plus_cosine");
        let below = self.binary("Sub", (&one, values), "one_minus_cosine");
        let sine = self.sine(&above, &below);
        (values.to_owned(), sine)
    }

    fn sine(&mut self, above: &str, below: &str) -> String {
        let square = self.binary("Mul", (below, above), "sine_squared");
        let sine = self.named("sine");
        self.builder.node("Sqrt", &[&square], &sine, Vec::new())
    }
}
