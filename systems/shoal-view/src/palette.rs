//! The colours of Shoal.

use keel::console::Color;

/// The schools, by their numbers.
const SCHOOLS: [Color; 12] = [
    Color::new(214, 232, 240), // silver
    Color::new(255, 201, 64),  // gold
    Color::new(118, 196, 255), // sky blue
    Color::new(186, 130, 255), // violet
    Color::new(255, 112, 84),  // coral
    Color::new(160, 240, 170), // mint
    Color::new(96, 132, 255),  // ultramarine
    Color::new(255, 170, 196), // rose
    Color::new(255, 92, 170),  // magenta
    Color::new(70, 224, 200),  // turquoise
    Color::new(255, 224, 150), // straw
    Color::new(240, 250, 255), // white
];

/// A school's colour; with more schools than colours, they come again.
pub(crate) fn school(number: u8) -> Color {
    SCHOOLS[usize::from(number) % SCHOOLS.len()]
}

pub(crate) const SHARK: Color = Color::new(172, 188, 204);
pub(crate) const REMORA: Color = Color::new(232, 214, 150);
pub(crate) const BUBBLE: Color = Color::new(226, 246, 255);
pub(crate) const PLANKTON_BY_DAY: Color = Color::new(150, 210, 110);
pub(crate) const PLANKTON_BY_NIGHT: Color = Color::new(64, 255, 214);
pub(crate) const TEXT: Color = Color::new(206, 222, 230);
pub(crate) const DIM: Color = Color::new(120, 146, 162);
pub(crate) const BAR: Color = Color::new(10, 22, 34);

/// Colours by place, from the first stop to the last.
type Ramp = [Color; 4];

const WATER_BY_DAY: Ramp =
    [Color::new(64, 182, 200), Color::new(28, 128, 178), Color::new(14, 78, 134), Color::new(8, 42, 84)];
const WATER_BY_NIGHT: Ramp =
    [Color::new(16, 46, 80), Color::new(10, 30, 60), Color::new(6, 18, 42), Color::new(4, 10, 26)];
const SKY_BY_DAY: Ramp = [
    Color::new(92, 164, 226),
    Color::new(128, 190, 236),
    Color::new(166, 212, 242),
    Color::new(204, 230, 244),
];
const SKY_BY_NIGHT: Ramp =
    [Color::new(6, 10, 26), Color::new(9, 15, 36), Color::new(13, 22, 48), Color::new(20, 32, 62)];
const SKY_AT_DUSK: Ramp =
    [Color::new(48, 52, 104), Color::new(112, 76, 122), Color::new(204, 108, 98), Color::new(252, 168, 92)];

/// The sky at a height, 0 at the top and 1 at the horizon.
pub(crate) fn sky(light: f32, height: f32) -> Color {
    let plain = at(&SKY_BY_NIGHT, height).mix(at(&SKY_BY_DAY, height), light);
    calm(plain.mix(at(&SKY_AT_DUSK, height), dusk(light)))
}

/// The water at a depth, 0 at the surface and 1 on the ground, with `shine` more light than usual.
pub(crate) fn water(light: f32, depth: f32, shine: f32) -> Color {
    let plain = at(&WATER_BY_NIGHT, depth).mix(at(&WATER_BY_DAY, depth), light);
    let warm = plain.mix(at(&SKY_AT_DUSK, 0.6), 0.3 * dusk(light) * (1.0 - depth).powi(2));
    calm(warm.mix(Color::new(190, 240, 232), shine))
}

/// How much of dawn or dusk there is in the light.
pub(crate) fn dusk(light: f32) -> f32 {
    (4.0 * light * (1.0 - light)).clamp(0.0, 1.0)
}

/// What is seen of a colour through the water.
pub(crate) fn through_water(color: Color, light: f32, depth: f32) -> Color {
    let clear = (0.5 + 0.5 * light) * (1.0 - 0.34 * depth);
    water(light, depth, 0.0).mix(color, clear)
}

fn at(ramp: &Ramp, part: f32) -> Color {
    let along = part.clamp(0.0, 1.0) * (ramp.len() - 1) as f32;
    let index = (along as usize).min(ramp.len() - 2);
    ramp[index].mix(ramp[index + 1], along - index as f32)
}

// In steps of 3, so that light that hardly moves does not change each cell in each frame.
fn calm(color: Color) -> Color {
    let step = |channel: u8| channel / 3 * 3;
    Color::new(step(color.red), step(color.green), step(color.blue))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deep_water_is_darker_than_shallow() {
        let brightness = |color: Color| u32::from(color.red) + u32::from(color.green) + u32::from(color.blue);
        for light in [0.0, 1.0] {
            assert!(brightness(water(light, 1.0, 0.0)) < brightness(water(light, 0.0, 0.0)));
        }
        assert!(brightness(water(0.0, 0.3, 0.0)) < brightness(water(1.0, 0.3, 0.0)));
    }

    #[test]
    fn a_ramp_ends_where_it_ends() {
        assert_eq!(at(&WATER_BY_DAY, -1.0), WATER_BY_DAY[0]);
        assert_eq!(at(&WATER_BY_DAY, 2.0), WATER_BY_DAY[3]);
    }
}
