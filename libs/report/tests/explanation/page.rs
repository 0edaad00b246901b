//! The explanation page is complete, escaped, small and offline; JSON and tables are the same
//! explanation; figures are pictures of the right size.

use crate::explained::{self, HOSTILE};
use assay_report::ReportError;
use assay_report::explanation::{
    Explanation, csv_tables, image_figure, render_html, spectrum_figure,
};

/// The page without the chart script, which is third-party text.
fn own_markup(page: &str) -> String {
    let (before, rest) = page.split_once("<script>/**\n* plotly.js").unwrap();
    before.to_owned() + rest.split_once("</script>").unwrap().1
}

fn embedded_json(page: &str) -> &str {
    let (_, rest) = page
        .split_once("<script type=\"application/json\" id=\"explanation\">")
        .unwrap();
    rest.split_once("</script>").unwrap().0
}

#[test]
fn the_page_carries_the_explanation() {
    for explanation in [
        explained::of_image(512),
        explained::without_image(),
        explained::refused(64),
        explained::bare(),
        explained::hostile(),
    ] {
        let page = render_html(&explanation).unwrap();
        let back = Explanation::from_json(embedded_json(&page)).unwrap();
        assert_eq!(back, explanation);
        let file = explanation.to_json().unwrap();
        assert_eq!(Explanation::from_json(&file).unwrap(), explanation);
    }
}

#[test]
fn loads_nothing_from_anywhere() {
    for explanation in [explained::of_image(64), explained::without_image()] {
        let page = render_html(&explanation).unwrap();
        assert_eq!(page.matches("* plotly.js v").count(), 1);
        let own = own_markup(&page);
        for loads in [
            "http:", "https:", "src=\"", "url(", "@import", "<link", "<iframe", "import(", "fetch(",
        ] {
            assert!(!own.contains(loads), "{loads}");
        }
        let links = own.matches("href=\"").count();
        assert_eq!(links, own.matches("href=\"#").count());
        assert!(own.contains("default-src 'none'"));
    }
}

#[test]
fn escapes_what_came_from_files() {
    let explanation = explained::hostile();
    let own = own_markup(&render_html(&explanation).unwrap());
    assert!(!own.contains("<img"));
    assert!(own.contains("&#60;img src=x onerror=alert(1)&#62;"));
    let scripts = own.matches("<script").count();
    assert_eq!(scripts, own.matches("</script").count());
    let plain = own_markup(&render_html(&explained::of_image(64)).unwrap());
    assert_eq!(scripts, plain.matches("<script").count());
    for svg in [
        spectrum_figure(&explanation).unwrap().to_svg().unwrap(),
        image_figure(&explanation)
            .unwrap()
            .unwrap()
            .to_svg()
            .unwrap(),
    ] {
        assert!(!svg.contains("<img") && !svg.contains("<script") && !svg.contains("</script"));
        assert!(svg.contains("&lt;/script&gt;"));
    }
}

#[test]
fn shows_parts_that_exist_once_with_unique_ids() {
    let with_image = own_markup(&render_html(&explained::of_image(64)).unwrap());
    let mut ids: Vec<_> = with_image
        .split(" id=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .collect();
    for id in [
        "answer", "spectrum", "peaks", "image", "shap", "gate", "origin",
    ] {
        assert_eq!(ids.iter().filter(|&&i| i == id).count(), 1, "{id}");
        let link = format!("href=\"#{id}\"");
        assert_eq!(with_image.matches(&link).count(), 1, "{id}");
    }
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all);
    assert_eq!(
        with_image.matches("<table").count(),
        with_image.matches("<caption").count()
    );

    let page = own_markup(&render_html(&explained::bare()).unwrap());
    assert!(page.contains("The model has no gate"));
    for id in ["peaks", "image", "shap", "gate", "elements", "opacity"] {
        assert!(!page.contains(&format!(" id=\"{id}\"")), "{id}");
    }
}

#[test]
fn says_the_answer_in_words() {
    let accepted = render_html(&explained::of_image(64)).unwrap();
    for words in [
        "Coal, accepted by the gate",
        "gate score −1.913 ≥ threshold −3.214",
        "p-value 0.433 of 193 training scores",
        "96.2 %",
        "One cell of the class activation map covers 471 keV",
        "Removing this peak rescales the whole image",
        "base −0.42 + sum 8.57 = logit 8.15",
        "60 of 193 scores are at or below this spectrum",
        "2223.002 ± 0.020",
        "live 3 h 57 min 11 s",
    ] {
        assert!(accepted.contains(words), "{words}");
    }
    let refused = render_html(&explained::refused(64)).unwrap();
    for words in [
        "UNKNOWN: refused by the gate",
        "gate score −14.83 &#60; threshold −3.214",
        "The nearest class would be Coal",
        "the nearest class, although the gate refused",
    ] {
        assert!(refused.contains(words), "{words}");
    }
}

#[test]
fn stays_below_six_megabytes_with_the_largest_image() {
    let mut explanation = explained::of_image(2631);
    // As many digits as a long measurement has.
    for counts in &mut explanation.spectrum.counts {
        *counts += 10_000_000;
    }
    let evidence = explanation.peaks.as_mut().unwrap();
    evidence.peaks = evidence.peaks.iter().cycle().take(300).cloned().collect();
    let lines = &mut explanation.element_lines[0].lines;
    *lines = vec![lines[0]; 4000];
    let page = render_html(&explanation).unwrap();
    assert!(page.len() < 6_000_000, "{} bytes", page.len());
}

#[test]
fn tables_hold_the_values() {
    let explanation = explained::of_image(64);
    let tables = csv_tables(&explanation).unwrap();
    let read = |name: &str| -> Vec<Vec<String>> {
        let table = tables.iter().find(|table| table.file_name == name).unwrap();
        let mut reader = csv::Reader::from_reader(table.text.as_bytes());
        let rows = reader.records();
        rows.map(|row| row.unwrap().iter().map(str::to_owned).collect())
            .collect()
    };
    let spectrum = read("spectrum.csv");
    assert_eq!(spectrum.len(), explanation.spectrum.counts.len());
    for (channel, row) in spectrum.iter().enumerate() {
        let energy_kev = explanation.spectrum.calibration.energy_kev(channel as f64);
        assert_eq!(row[0], channel.to_string());
        assert_eq!(row[1].parse::<f64>().unwrap(), energy_kev);
        let counts: u64 = row[2].parse().unwrap();
        assert_eq!(counts, explanation.spectrum.counts[channel]);
    }
    let evidence = explanation.peaks.as_ref().unwrap();
    for (row, peak) in read("peaks.csv").iter().zip(&evidence.peaks) {
        let number = |column: usize| row[column].parse::<f64>().ok();
        assert_eq!(number(0), Some(peak.energy_kev));
        assert_eq!(number(4), peak.fwhm_kev);
        assert_eq!(row[5], peak.candidates.join("; "));
        assert_eq!(number(6), peak.logit_change);
        assert_eq!(number(7), peak.gate_change);
        assert_eq!(row[8].parse::<bool>().unwrap(), peak.rescales_image);
    }
    let importance = explanation.importance.as_ref().unwrap();
    for (row, &value) in read("importance.csv").iter().zip(&importance.values) {
        assert_eq!(row[1].parse::<f32>().unwrap(), value);
    }
    let scores = explanation.gate_scores.as_ref().unwrap();
    assert_eq!(read("gate_scores.csv").len(), scores.scores.len());
    assert_eq!(read("map.csv").len(), 16 * 16);
    assert_eq!(read("classes.csv").len(), 10);
    let blocks = read("shap.csv");
    assert_eq!(blocks.len(), 4, "one line for each block");
    assert_eq!(&blocks[0][1], &blocks[3][0], "the middle");

    let hostile = csv_tables(&explained::hostile()).unwrap();
    let mut reader = csv::Reader::from_reader(hostile[0].text.as_bytes());
    assert_eq!(&reader.records().next().unwrap().unwrap()[0], HOSTILE);
    let segments = csv_tables(&explained::without_image()).unwrap();
    let shap = segments.last().unwrap();
    assert_eq!(shap.file_name, "shap.csv");
    assert_eq!(shap.text.lines().count(), 49);
    assert!(shap.text.starts_with("from_kev,to_kev,Coal,Coke,Biomass"));
}

#[test]
fn figures_are_pictures_of_their_size() {
    let explanation = explained::of_image(512);
    let figures = [
        spectrum_figure(&explanation).unwrap(),
        image_figure(&explanation).unwrap().unwrap(),
    ];
    for figure in figures {
        let (width, height) = figure.size_px();
        for scale in [0.5, 2.0] {
            let bytes = figure.to_png(scale).unwrap();
            let decoder = png::Decoder::new(std::io::Cursor::new(bytes));
            let mut reader = decoder.read_info().unwrap();
            let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
            let frame = reader.next_frame(&mut pixels).unwrap();
            assert_eq!(frame.width, (width * scale).ceil() as u32);
            assert_eq!(frame.height, (height * scale).ceil() as u32);
            let dark = pixels
                .chunks_exact(4)
                .filter(|p| p[..3].iter().all(|&v| v < 90));
            assert!(dark.count() > 100, "text and axes are drawn");
            let orange = pixels
                .chunks_exact(4)
                .filter(|p| p[0] > p[2].saturating_add(90));
            assert!(orange.count() > 200, "evidence is drawn");
        }
        let message = figure.to_png(100.0).unwrap_err().to_string();
        assert!(
            message.contains("scale is 100") && message.contains("0.25 to 8"),
            "{message}"
        );
        let svg = figure.to_svg().unwrap();
        assert!(svg.starts_with("<svg xmlns=") && svg.ends_with("</svg>\n"));
        assert!(svg.contains("2223") || svg.contains("energy of the row / keV"));
    }
    assert!(image_figure(&explained::without_image()).unwrap().is_none());
}

#[test]
fn refuses_json_of_another_version_and_unknown_fields() {
    let text = explained::without_image().to_json().unwrap();
    let newer = text.replacen("\"version\":1", "\"version\":2", 1);
    assert!(matches!(
        Explanation::from_json(&newer),
        Err(ReportError::Version {
            found: 2,
            expected: 1
        })
    ));
    let more = text.replacen("\"version\":1", "\"version\":1,\"extra\":0", 1);
    assert!(Explanation::from_json(&more).is_err());
    let inner = text.replacen("\"edges_kev\":", "\"extra\":0,\"edges_kev\":", 1);
    assert!(inner != text && Explanation::from_json(&inner).is_err());
    assert!(Explanation::from_json("{}").is_err());
}
