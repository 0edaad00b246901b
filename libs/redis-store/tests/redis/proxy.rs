//! A network between a store and its server that can be slow, and that loses an answer when told.

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU64, Ordering},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
};

/// Stands before a server on 127.0.0.1.
pub(crate) struct Proxy {
    port: u16,
    network: Arc<Network>,
}

struct Network {
    /// Whether answers are held back.
    held: watch::Sender<bool>,
    /// Answers until the one that is lost.
    until_loss: AtomicI64,
    questions: AtomicU64,
}

impl Proxy {
    pub(crate) async fn before(server_port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let network = Arc::new(Network {
            held: watch::Sender::new(false),
            until_loss: AtomicI64::new(-1),
            questions: AtomicU64::new(0),
        });
        let between = Arc::clone(&network);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(("127.0.0.1", server_port)).await else {
                    continue;
                };
                tokio::spawn(Arc::clone(&between).carry(client, server));
            }
        });
        Self { port, network }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Holds all answers back, or lets them through.
    pub(crate) fn hold(&self, held: bool) {
        self.network.held.send_replace(held);
    }

    /// Lets so many answers through and loses the next, with its connection.
    pub(crate) fn lose_after(&self, answers: i64) {
        self.network.until_loss.store(answers, Ordering::SeqCst);
    }

    /// Whether the answer has been lost.
    pub(crate) fn has_lost(&self) -> bool {
        self.network.until_loss.load(Ordering::SeqCst) < 0
    }

    /// Packets that went to the server.
    pub(crate) fn questions(&self) -> u64 {
        self.network.questions.load(Ordering::SeqCst)
    }
}

impl Network {
    async fn carry(self: Arc<Self>, client: TcpStream, server: TcpStream) {
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        tokio::select! {
            () = self.questions(from_client, to_server) => {}
            () = self.answers(from_server, to_client) => {}
        }
    }

    async fn questions(&self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
        let mut buffer = vec![0; 1 << 16];
        while let Ok(length @ 1..) = from.read(&mut buffer).await {
            self.questions.fetch_add(1, Ordering::SeqCst);
            if to.write_all(&buffer[..length]).await.is_err() {
                return;
            }
        }
    }

    async fn answers(&self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
        let mut buffer = vec![0; 1 << 16];
        let mut held = self.held.subscribe();
        while let Ok(length @ 1..) = from.read(&mut buffer).await {
            held.wait_for(|held| !held).await.unwrap();
            if self.until_loss.fetch_sub(1, Ordering::SeqCst) == 0
                || to.write_all(&buffer[..length]).await.is_err()
            {
                return;
            }
        }
    }
}
