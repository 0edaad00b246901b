//! A network between a queue and its broker that loses what it carries when told.

use std::sync::Arc;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinHandle,
};

/// What a network does with what it is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    Carries,
    /// Carries questions and loses the answers.
    LosesAnswers,
    /// Carries nothing and says nothing.
    Stands,
}

/// Stands before a broker. Dropped, it ends with all its connections.
pub(crate) struct Proxy {
    port: u16,
    network: Arc<Network>,
    accepting: JoinHandle<()>,
}

struct Network {
    mood: watch::Sender<Mood>,
    /// Connections that began before this number are cut.
    cut: watch::Sender<u64>,
}

impl Proxy {
    /// Before the broker of a URL.
    pub(crate) async fn before(url: &str) -> Self {
        Self::at(0, url).await
    }

    /// The same on a port of one's choice.
    pub(crate) async fn at(port: u16, url: &str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let network = Arc::new(Network {
            mood: watch::Sender::new(Mood::Carries),
            cut: watch::Sender::new(0),
        });
        let (_, host, _) = parts(url);
        let (host, between) = (host.to_owned(), Arc::clone(&network));
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(&host).await else {
                    continue;
                };
                tokio::spawn(Arc::clone(&between).carry(client, server));
            }
        });
        Self {
            port,
            network,
            accepting,
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The URL of the broker by way of this.
    pub(crate) fn url(&self, url: &str) -> String {
        let (before, _, after) = parts(url);
        format!("{before}127.0.0.1:{}{after}", self.port)
    }

    pub(crate) fn set(&self, mood: Mood) {
        self.network.mood.send_replace(mood);
    }

    /// Ends every connection at once.
    pub(crate) fn cut(&self) {
        self.network.cut.send_modify(|times| *times += 1);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

/// What stands before host and port in a URL, those, and what follows.
pub(crate) fn parts(url: &str) -> (&str, &str, &str) {
    let begin = url.find("://").unwrap() + 3;
    let end = url[begin..].find('/').map_or(url.len(), |at| begin + at);
    let begin = url[begin..end]
        .rfind('@')
        .map_or(begin, |at| begin + at + 1);
    (&url[..begin], &url[begin..end], &url[end..])
}

impl Network {
    async fn carry(self: Arc<Self>, client: TcpStream, server: TcpStream) {
        let mut cut = self.cut.subscribe();
        cut.mark_unchanged();
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        let carried = |mood| mood == Mood::Carries || mood == Mood::LosesAnswers;
        tokio::select! {
            () = self.way(from_client, to_server, carried) => {}
            () = self.way(from_server, to_client, |mood| mood == Mood::Carries) => {}
            _ = cut.changed() => {}
        }
    }

    async fn way(
        &self,
        mut from: OwnedReadHalf,
        mut to: OwnedWriteHalf,
        carried: impl Fn(Mood) -> bool,
    ) {
        let mut mood = self.mood.subscribe();
        let mut buffer = vec![0; 1 << 16];
        loop {
            if mood.wait_for(|mood| *mood != Mood::Stands).await.is_err() {
                return;
            }
            let read = tokio::select! {
                read = from.read(&mut buffer) => read,
                _ = mood.changed() => continue,
            };
            let Ok(length @ 1..) = read else {
                return;
            };
            let now = *mood.borrow_and_update();
            if carried(now) && to.write_all(&buffer[..length]).await.is_err() {
                return;
            }
        }
    }
}
