//! HTTP/2 without TLS, by prior knowledge.

use crate::world::{World, data};
use futures::future::join_all;
use reqwest::{Client, Version};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_streams_of_one_connection_get_their_own_ranges() {
    let mut world = World::new().await;
    let client = Client::builder().no_proxy().http2_prior_knowledge().build().unwrap();
    let all = data();
    let requests = (0..64_usize).map(|n| {
        let (first, last) = (n * 4_000, n * 4_000 + 9_999);
        let request =
            client.get(world.url("data")).header("range", format!("bytes={first}-{last}"));
        let expected = &all[first..=last];
        async move {
            let response = request.send().await.unwrap();
            assert_eq!(response.version(), Version::HTTP_2);
            assert!(response.bytes().await.unwrap() == expected, "{first}-{last}");
        }
    });
    join_all(requests).await;
    for _ in 0..64 {
        let event = world.event().await;
        assert_eq!((event.connection, event.protocol.as_str()), (1, "HTTP/2.0"));
    }
}
