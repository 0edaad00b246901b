//! A broker of one's own does what tests of restarts need.

use assay_servers::rabbitmq::Broker;
use std::net::TcpStream;

#[test]
fn a_broker_is_killed_and_started_again_with_what_it_had() {
    let Some(mut broker) = Broker::start("a_broker_is_killed_and_started_again").unwrap() else {
        return;
    };
    let (url, port) = (broker.url(), broker.port());
    broker.control(&["add_vhost", "kept"]).unwrap();
    let refused = broker.control(&["add_vhost"]).unwrap_err().to_string();
    assert!(
        refused.contains("rabbitmqctl add_vhost failed"),
        "{refused}"
    );
    broker.kill().unwrap();
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    broker.start_again().unwrap();
    assert_eq!(broker.url(), url);
    let hosts = broker.control(&["list_vhosts"]).unwrap();
    assert!(hosts.lines().any(|host| host == "kept"), "{hosts}");
    drop(broker);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
}
