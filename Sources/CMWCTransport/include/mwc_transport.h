/// The part of the transport that talks to libwebsockets: one event loop, sockets that carry bytes,
/// listeners and timers. Nothing here knows WebSocket frames.
///
/// ```
///   client   TCP or unix ─► TLS ─► HTTP request and answer ─► bytes        libwebsockets: HTTP client
///   server   accept ─► TLS ─► bytes (the upgrade included)                 libwebsockets: raw socket
/// ```
///
/// Threads: a loop belongs to the thread that calls `mwc_loop_run_once`. Every function may be called
/// on that thread only, but for `mwc_loop_wake`. All callbacks come on that thread, from inside
/// `mwc_loop_run_once`, `mwc_loop_destroy` or the call that caused them.
///
/// Callbacks return 0, or -1 to have their socket closed. After `closed` a socket is gone: its owner
/// forgets the pointer.
#ifndef MWC_TRANSPORT_H
#define MWC_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mwc_handshake.h"

typedef struct mwc_loop mwc_loop;
typedef struct mwc_host mwc_host;          ///< A set of TLS settings; lives as long as its loop.
typedef struct mwc_socket mwc_socket;      ///< One connection.
typedef struct mwc_listener mwc_listener;  ///< One listening socket.
typedef struct mwc_timer mwc_timer;

enum {
  MWC_READ_MAX = 65536,            ///< Most bytes that one `received` brings.
  MWC_CLIENT_REQUEST_MAX = 32768,  ///< Most bytes of a client's request head.
};

/// Whom a socket belongs to and what it is told.
typedef struct mwc_socket_owner {
  void *context;  ///< Given to every callback.
  /// Client only: the server's answer has come; `mwc_socket_answer` reads it.
  int (*answered)(void *context);
  /// Bytes have come. They may be written to and are valid during the call.
  int (*received)(void *context, uint8_t *bytes, size_t length);
  /// After `mwc_socket_want_writable` or a write that was kept back: writing makes sense again.
  int (*writable)(void *context);
  /// The connection has ended, or could not be made. `reason` is libwebsockets' short text, or NULL.
  void (*closed)(void *context, const char *reason);
} mwc_socket_owner;

// ---- Loop

/// What libwebsockets has to say; `level` is LLL_ERR (1) or LLL_WARN (2).
typedef void (*mwc_log_handler)(void *context, int level, const char *line);

/// A loop of its own poll set. NULL when the system refuses memory or descriptors.
mwc_loop *mwc_loop_create(mwc_log_handler log, void *log_context);

/// Waits until something happens and handles all of it: one poll round. Returns 0, or -1 when the
/// loop can do no more.
int mwc_loop_run_once(mwc_loop *loop);

/// Makes `mwc_loop_run_once` return soon. The one function that any thread may call.
void mwc_loop_wake(mwc_loop *loop);

/// Closes what is open (owners hear of it) and frees the loop.
void mwc_loop_destroy(mwc_loop *loop);

/// The last error line of libwebsockets since this was asked last, or an empty string. TLS failures
/// are explained nowhere else.
const char *mwc_loop_take_error(mwc_loop *loop);

// ---- TLS settings

/// Client side. All paths may be NULL: the system's authorities, no certificate of ours. NULL when a
/// file cannot be used; `mwc_loop_take_error` says why. Lives as long as the loop.
mwc_host *mwc_host_create_client(mwc_loop *loop, const char *ca_file, const char *certificate_file,
                                 const char *key_file);

/// Server side. With `client_ca_file` clients must show a certificate from there.
mwc_host *mwc_host_create_server(mwc_loop *loop, const char *certificate_file, const char *key_file,
                                 const char *client_ca_file);

// ---- Client

typedef struct mwc_client_request {
  /// Numeric address, or "+" and the path of a unix socket. Names are looked up elsewhere: the lookup
  /// of libwebsockets would stop the whole loop.
  const char *address;
  int port;
  const char *server_name;  ///< For TLS: SNI and the name in the certificate, without port.
  bool tls;
  bool insecure;       ///< Accept any certificate.
  const char *head;    ///< The whole request head, through its empty line; copied.
  size_t head_length;  ///< At most MWC_CLIENT_REQUEST_MAX.
  const mwc_host *host;  ///< NULL: the settings for connections without TLS.
} mwc_client_request;

/// Begins to connect. `owner` is copied. NULL when that fails at once (`closed` is not called then).
mwc_socket *mwc_socket_connect(mwc_loop *loop, const mwc_client_request *request,
                               const mwc_socket_owner *owner);

/// In `answered`: the status and the headers that matter, copied to `buffer`, into which the slices
/// of `*answer` point. `server` becomes the Server header. Returns false when they do not fit.
bool mwc_socket_answer(mwc_socket *socket, char *buffer, size_t capacity, mwc_answer *answer,
                       mwc_slice *server);

/// Client: stops reading; the kernel's window closes and the peer has to wait.
void mwc_socket_pause(mwc_socket *socket);

/// Client: reads on, which may call `received` at once.
void mwc_socket_resume(mwc_socket *socket);

// ---- Any socket

/// Writes bytes as they are. What the kernel does not take is copied and sent later, so look at
/// `mwc_socket_is_blocked` first and write at most a few hundred KiB at a time. Returns 0, or -1: the
/// connection is dead and `closed` will come.
int mwc_socket_write(mwc_socket *socket, const uint8_t *bytes, size_t length);

/// Whether something written is still waiting for the kernel.
bool mwc_socket_is_blocked(const mwc_socket *socket);

/// Asks for one `writable`.
void mwc_socket_want_writable(mwc_socket *socket);

/// Says that we shall write no more (TCP half-close); the peer's end is still read. Connections with
/// TLS stay as they are.
void mwc_socket_finish_writing(mwc_socket *socket);

/// Ends the connection in the next round, without any ceremony; `closed` is called then. Nothing else
/// is called before it.
void mwc_socket_close(mwc_socket *socket);

/// The peer's numeric address and port, like `127.0.0.1:8765`, `[::1]:8765` or `unix`; zero-terminated
/// into `out`.
void mwc_socket_peer(const mwc_socket *socket, char *out, size_t capacity);

// ---- Server

/// A connection was accepted on `listener`. Fills `*owner`, or returns -1 to refuse it.
typedef int (*mwc_accept_handler)(void *context, mwc_socket *socket, mwc_socket_owner *owner);

/// Takes over a listening, non-blocking socket `fd` and accepts its connections. `host`: TLS settings,
/// NULL for none. NULL on failure, and then `fd` is closed as well.
mwc_listener *mwc_listener_create(mwc_loop *loop, int fd, mwc_host *host, mwc_accept_handler accept,
                                  void *context);

/// Stops listening; accepted connections stay.
void mwc_listener_destroy(mwc_listener *listener);

// ---- Timers

/// A timer at rest.
mwc_timer *mwc_timer_create(mwc_loop *loop, void (*fired)(void *context), void *context);

/// Sets or moves it: `fired` is called once, `delay_ns` from now, a millisecond at the least. The loop
/// spends the last part of a millisecond before that spinning, as libwebsockets waits in whole ones:
/// fine for what happens every few seconds, wrong for a steady tick of a few milliseconds.
void mwc_timer_set(mwc_timer *timer, int64_t delay_ns);
void mwc_timer_cancel(mwc_timer *timer);
void mwc_timer_destroy(mwc_timer *timer);  ///< Before its loop. NULL is fine.

#endif
