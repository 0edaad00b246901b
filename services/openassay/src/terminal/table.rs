//! Tables with aligned columns.

/// On which side of its column a cell stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// Rows of text under headers.
pub(crate) struct Table {
    headers: Vec<(String, Align)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub(crate) fn new<H: Into<String>>(headers: impl IntoIterator<Item = (H, Align)>) -> Self {
        Self {
            headers: headers
                .into_iter()
                .map(|(text, align)| (text.into(), align))
                .collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row; missing cells are empty.
    pub(crate) fn row<C: Into<String>>(&mut self, cells: impl IntoIterator<Item = C>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    /// The table as lines, each ending with a line feed.
    pub(crate) fn render(&self) -> String {
        let widths: Vec<usize> = (0..self.headers.len())
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| row.get(column));
                let header = std::iter::once(&self.headers[column].0);
                header
                    .chain(cells)
                    .map(|text| width(text))
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        let mut text = String::new();
        let headers: Vec<String> = self.headers.iter().map(|(text, _)| text.clone()).collect();
        let rules: Vec<String> = widths.iter().map(|&width| "─".repeat(width)).collect();
        for row in [&headers, &rules].into_iter().chain(&self.rows) {
            let mut line = String::new();
            for (column, &wide) in widths.iter().enumerate() {
                let cell = row.get(column).map_or("", String::as_str);
                let space = " ".repeat(wide - width(cell));
                if column > 0 {
                    line.push_str("  ");
                }
                match self.headers[column].1 {
                    Align::Left => line += &format!("{cell}{space}"),
                    Align::Right => line += &format!("{space}{cell}"),
                }
            }
            text += line.trim_end();
            text.push('\n');
        }
        text
    }
}

fn width(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let mut table = Table::new([("class", Align::Left), ("n", Align::Right)]);
        table.row(["Öl", "7"]);
        table.row(["Steel", "123"]);
        table.row(["x"]);
        assert_eq!(
            table.render(),
            "class    n\n─────  ───\nÖl       7\nSteel  123\nx\n"
        );
    }
}
