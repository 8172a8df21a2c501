#define _GNU_SOURCE
#include "mwc_transport.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libwebsockets.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct mwc_host {
  mwc_loop *loop;
  struct lws_vhost *vhost;
  mwc_host *next;  // in its loop
};

struct mwc_loop {
  struct lws_context *context;
  mwc_host plain;
  mwc_host *hosts;
  mwc_log_handler log;
  void *log_context;
  int spare_fd;  // given up for a moment when descriptors run out, see accept_one
  char error[256];
  char taken_error[256];
};

// What the opaque pointer of a wsi points to.
typedef enum mwc_kind { MWC_SOCKET, MWC_LISTENER } mwc_kind;

struct mwc_socket {
  mwc_kind kind;
  mwc_loop *loop;
  struct lws *wsi;
  mwc_socket_owner owner;
  char *head;  // client: the request, until it was sent
  size_t head_length;
  char reason[128];
  bool is_connecting;  // inside lws_client_connect_via_info
  bool is_dead;        // destroyed while connecting
  bool is_closing;     // our side has asked for the end: no more callbacks but `closed`
  bool is_client, is_tls;
  bool is_paused, has_input;  // client: not to be read now; libwebsockets waits for us to read
  bool has_yielded;           // client: the last input was left for a moment, see receive_client
  lws_sorted_usec_list_t yield;
};

struct mwc_listener {
  mwc_kind kind;
  mwc_loop *loop;
  struct lws *wsi;
  mwc_host *host;
  mwc_accept_handler accept;
  void *context;
};

struct mwc_timer {
  lws_sorted_usec_list_t sul;  // first: the callback gets its address
  mwc_loop *loop;
  void (*fired)(void *);
  void *context;
};

static int transport_callback(struct lws *, enum lws_callback_reasons, void *, void *, size_t);

// tx_packet_size: libwebsockets hands the kernel at most that much at once and copies the rest.
static const struct lws_protocols protocols[] = {
    {.name = "mwc", .callback = transport_callback, .rx_buffer_size = MWC_READ_MAX,
     .tx_packet_size = 1 << 20},
    {0},
};

// ---- Log

// libwebsockets logs without saying from which context; each loop has its own thread.
static _Thread_local mwc_loop *current_loop;

static void emit_log(int level, const char *line) {
  mwc_loop *loop = current_loop;
  if (!loop) return;
  char text[sizeof loop->error];
  size_t length = strnlen(line, sizeof text - 1);
  while (length > 0 && (line[length - 1] == '\n' || line[length - 1] == ' ')) length--;
  memcpy(text, line, length);
  text[length] = 0;
  if (level == LLL_ERR) memcpy(loop->error, text, length + 1);
  if (loop->log) loop->log(loop->log_context, level, text);
}

static void set_up_log(void) { lws_set_log_level(LLL_ERR | LLL_WARN, emit_log); }

const char *mwc_loop_take_error(mwc_loop *loop) {
  memcpy(loop->taken_error, loop->error, sizeof loop->error);
  loop->error[0] = 0;
  return loop->taken_error;
}

// ---- Loop

static void prepare_host(struct lws_context_creation_info *info) {
  memset(info, 0, sizeof *info);
  info->protocols = protocols;
  info->port = CONTEXT_PORT_NO_LISTEN;
  // Otherwise $http_proxy would apply to every connection, to this host too.
  info->http_proxy_address = "unused:0";
  // Our own timers decide about handshakes; these must never be the first to fire.
  info->timeout_secs = 3600;
  info->connect_timeout_secs = 3600;
}

// OpenSSL is set up by the first context only. Each one that does it again gives libwebsockets another
// place to look for the connection when a certificate is verified, and handshakes that are under way
// on other loops fail.
static struct lws_context *create_context(struct lws_context_creation_info *info) {
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  static bool is_set_up;
  pthread_mutex_lock(&lock);
  if (!is_set_up) info->options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
  struct lws_context *context = lws_create_context(info);
  if (context) is_set_up = true;
  pthread_mutex_unlock(&lock);
  return context;
}

mwc_loop *mwc_loop_create(mwc_log_handler log, void *log_context) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, set_up_log);
  mwc_loop *loop = calloc(1, sizeof *loop);
  if (!loop) return NULL;
  loop->log = log;
  loop->log_context = log_context;
  loop->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  current_loop = loop;

  struct lws_context_creation_info info;
  prepare_host(&info);
  info.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS;
  info.uid = -1;
  info.gid = -1;
  info.pt_serv_buf_size = MWC_READ_MAX + LWS_PRE;
  info.max_http_header_data2 = 16384;
  loop->context = create_context(&info);
  if (loop->context) {
    prepare_host(&info);
    info.vhost_name = "plain";
    loop->plain.loop = loop;
    loop->plain.vhost = lws_create_vhost(loop->context, &info);
    if (loop->plain.vhost) return loop;
    lws_context_destroy(loop->context);
  }
  if (loop->spare_fd >= 0) close(loop->spare_fd);
  current_loop = NULL;
  free(loop);
  return NULL;
}

int mwc_loop_run_once(mwc_loop *loop) {
  current_loop = loop;
  return lws_service(loop->context, 0) < 0 ? -1 : 0;
}

void mwc_loop_wake(mwc_loop *loop) { lws_cancel_service(loop->context); }

void mwc_loop_destroy(mwc_loop *loop) {
  current_loop = loop;
  lws_context_destroy(loop->context);
  current_loop = NULL;
  while (loop->hosts) {
    mwc_host *host = loop->hosts;
    loop->hosts = host->next;
    free(host);
  }
  if (loop->spare_fd >= 0) close(loop->spare_fd);
  free(loop);
}

// ---- TLS settings

static mwc_host *create_host(mwc_loop *loop, struct lws_context_creation_info *info) {
  mwc_host *host = calloc(1, sizeof *host);
  if (!host) return NULL;
  current_loop = loop;
  loop->error[0] = 0;
  host->loop = loop;
  host->vhost = lws_create_vhost(loop->context, info);
  if (!host->vhost) {
    free(host);
    return NULL;
  }
  host->next = loop->hosts;
  loop->hosts = host;
  return host;
}

mwc_host *mwc_host_create_client(mwc_loop *loop, const char *ca_file, const char *certificate_file,
                                 const char *key_file) {
  struct lws_context_creation_info info;
  prepare_host(&info);
  info.vhost_name = "client";
  info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
  info.client_ssl_ca_filepath = ca_file;
  info.client_ssl_cert_filepath = certificate_file;
  info.client_ssl_private_key_filepath = key_file;
  mwc_host *host = create_host(loop, &info);
  if (!host) return NULL;
  // This and nothing else makes the client's SSL_CTX of a host.
  // An unusable file of authorities is only logged, and nobody would be trusted then.
  if (lws_init_vhost_client_ssl(&info, host->vhost) == 0 && !(ca_file && loop->error[0]))
    return host;
  // What there is of it goes with the loop.
  return NULL;
}

mwc_host *mwc_host_create_server(mwc_loop *loop, const char *certificate_file, const char *key_file,
                                 const char *client_ca_file) {
  struct lws_context_creation_info info;
  prepare_host(&info);
  info.vhost_name = "server";
  info.port = CONTEXT_PORT_NO_LISTEN_SERVER;
  info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
  if (client_ca_file) info.options |= LWS_SERVER_OPTION_REQUIRE_VALID_OPENSSL_CLIENT_CERT;
  info.ssl_cert_filepath = certificate_file;
  info.ssl_private_key_filepath = key_file;
  info.ssl_ca_filepath = client_ca_file;
  return create_host(loop, &info);
}

// ---- Callbacks

// What the owner answered, unless the socket is to be closed anyway.
static int outcome(mwc_socket *socket, int result) { return socket->is_closing ? -1 : result; }

static void socket_destroyed(mwc_socket *socket) {
  socket->wsi = NULL;
  lws_sul_cancel(&socket->yield);
  if (socket->is_connecting) {
    socket->is_dead = true;  // mwc_socket_connect frees it
    return;
  }
  // This may come from a timer of libwebsockets as well; see timer_fired.
  lws_cancel_service(socket->loop->context);
  if (socket->owner.closed)
    socket->owner.closed(socket->owner.context, socket->reason[0] ? socket->reason : NULL);
  free(socket->head);
  free(socket);
}

// Replaces the request that libwebsockets has just composed. It would cut long targets, send
// `connection: close` and a Pragma nobody wants; the packet begins where the room it leaves us says.
static int put_request(mwc_socket *socket, char **end, size_t room) {
  char *packet = *end - (MWC_READ_MAX + LWS_PRE - 12 - room);
  if (memcmp(packet, "GET / HTTP/1.1\r\n", 16) != 0) return -1;
  // The last two bytes of the head, the empty line, are libwebsockets' to add.
  memcpy(packet, socket->head, socket->head_length - 2);
  *end = packet + socket->head_length - 2;
  return 0;
}

static int read_now(mwc_socket *socket) {
  char *bytes = NULL;
  int length = 0;
  return lws_http_client_read(socket->wsi, &bytes, &length) ? -1 : 0;
}

static void yield_over(lws_sorted_usec_list_t *sul) {
  mwc_socket *socket = lws_container_of(sul, mwc_socket, yield);
  if (!socket->is_paused) mwc_socket_resume(socket);
}

// There is input; libwebsockets does not poll for more until it is read. It also prefers input to
// output: under constant input what waits to be sent would wait for ever. So every other time, when
// something does, the input is left for a moment in which only output is polled for. A moment, not
// until the output has gone: the peer may be waiting for us to read.
static int receive_client(mwc_socket *socket) {
  socket->has_input = true;
  if (socket->is_paused) return 0;
  socket->has_yielded = lws_partial_buffered(socket->wsi) && !socket->has_yielded;
  if (socket->has_yielded) {
    lws_sul_schedule(socket->loop->context, 0, &socket->yield, yield_over, 5 * LWS_US_PER_MS);
    return 0;
  }
  socket->has_input = false;
  return read_now(socket);
}

static int accept_all(mwc_listener *listener);

static int transport_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user,
                              void *in, size_t length) {
  (void)user;
  if (reason == LWS_CALLBACK_RAW_RX_FILE) return accept_all(lws_get_opaque_user_data(wsi));
  switch (reason) {
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
    case LWS_CALLBACK_ESTABLISHED_CLIENT_HTTP:
    case LWS_CALLBACK_RECEIVE_CLIENT_HTTP:
    case LWS_CALLBACK_RECEIVE_CLIENT_HTTP_READ:
    case LWS_CALLBACK_CLIENT_HTTP_WRITEABLE:
    case LWS_CALLBACK_RAW_RX:
    case LWS_CALLBACK_RAW_WRITEABLE:
    case LWS_CALLBACK_WSI_DESTROY:
      break;
    default:
      return 0;
  }
  mwc_socket *socket = lws_get_opaque_user_data(wsi);
  if (!socket || socket->kind != MWC_SOCKET) return 0;
  if (reason == LWS_CALLBACK_WSI_DESTROY) {
    socket_destroyed(socket);
    return 0;
  }
  if (socket->is_closing) return -1;
  void *context = socket->owner.context;
  switch (reason) {
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
      return put_request(socket, in, length);
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
      snprintf(socket->reason, sizeof socket->reason, "%.*s", (int)length,
               in ? (const char *)in : "");
      return 0;
    case LWS_CALLBACK_ESTABLISHED_CLIENT_HTTP:
      socket->wsi = wsi;
      return outcome(socket, socket->owner.answered(context));
    case LWS_CALLBACK_RECEIVE_CLIENT_HTTP:
      return outcome(socket, receive_client(socket));
    case LWS_CALLBACK_RECEIVE_CLIENT_HTTP_READ:
    case LWS_CALLBACK_RAW_RX:
      return outcome(socket, socket->owner.received(context, in, length));
    case LWS_CALLBACK_CLIENT_HTTP_WRITEABLE:
    case LWS_CALLBACK_RAW_WRITEABLE:
      return outcome(socket, socket->owner.writable(context));
    default:
      return 0;
  }
}

// ---- Client

mwc_socket *mwc_socket_connect(mwc_loop *loop, const mwc_client_request *request,
                               const mwc_socket_owner *owner) {
  if (request->head_length < 2 || request->head_length > MWC_CLIENT_REQUEST_MAX) return NULL;
  mwc_socket *socket = calloc(1, sizeof *socket);
  char *head = malloc(request->head_length);
  if (!socket || !head) {
    free(socket);
    free(head);
    return NULL;
  }
  memcpy(head, request->head, request->head_length);
  *socket = (mwc_socket){.loop = loop, .owner = *owner, .head = head,
                         .head_length = request->head_length, .is_connecting = true,
                         .is_client = true, .is_tls = request->tls};
  struct lws_client_connect_info info;
  memset(&info, 0, sizeof info);
  info.context = loop->context;
  info.vhost = request->host ? request->host->vhost : loop->plain.vhost;
  info.address = request->address;
  info.port = request->port;
  info.host = request->server_name;
  info.path = "/";
  info.method = "GET";
  info.alpn = "http/1.1";
  info.protocol = "mwc";
  info.local_protocol_name = "mwc";
  info.opaque_user_data = socket;
  // Not LCCSCF_PIPELINE: a second connection to the same place would queue behind the first for ever.
  info.ssl_connection = LCCSCF_HTTP_NO_FOLLOW_REDIRECT;
  if (request->tls) info.ssl_connection |= LCCSCF_USE_SSL;
  if (request->tls && request->insecure)
    info.ssl_connection |= LCCSCF_ALLOW_SELFSIGNED | LCCSCF_ALLOW_INSECURE |
                           LCCSCF_ALLOW_EXPIRED | LCCSCF_SKIP_SERVER_CERT_HOSTNAME_CHECK;
  current_loop = loop;
  loop->error[0] = 0;
  struct lws *wsi = lws_client_connect_via_info(&info);
  if (wsi && !socket->is_dead) {
    socket->wsi = wsi;
    socket->is_connecting = false;
    return socket;
  }
  free(socket->head);
  free(socket);
  return NULL;
}

// Copies one header to `*end`, and tells whether there was room. Absent headers become empty slices.
static bool copy_header(struct lws *wsi, enum lws_token_indexes token, char **end, size_t *room,
                        mwc_slice *slice) {
  *slice = (mwc_slice){NULL, 0};
  int length = lws_hdr_total_length(wsi, token);
  if (length <= 0) return true;
  if ((size_t)length >= *room) return false;
  int copied = lws_hdr_copy(wsi, *end, (int)*room, token);
  if (copied < 0) return false;
  *slice = (mwc_slice){*end, (size_t)copied};
  *end += copied;
  *room -= (size_t)copied;
  return true;
}

bool mwc_socket_answer(mwc_socket *socket, char *buffer, size_t capacity, mwc_answer *answer,
                       mwc_slice *server) {
  struct lws *wsi = socket->wsi;
  memset(answer, 0, sizeof *answer);
  answer->status = (int)lws_http_client_http_response(wsi);
  // A body of stated length would make libwebsockets end the connection after so many bytes.
  if (answer->status == 101 && (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) > 0 ||
                                lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0))
    return false;
  return copy_header(wsi, WSI_TOKEN_UPGRADE, &buffer, &capacity, &answer->upgrade) &&
         copy_header(wsi, WSI_TOKEN_CONNECTION, &buffer, &capacity, &answer->connection) &&
         copy_header(wsi, WSI_TOKEN_ACCEPT, &buffer, &capacity, &answer->accept) &&
         copy_header(wsi, WSI_TOKEN_PROTOCOL, &buffer, &capacity, &answer->subprotocol) &&
         copy_header(wsi, WSI_TOKEN_EXTENSIONS, &buffer, &capacity, &answer->extensions) &&
         copy_header(wsi, WSI_TOKEN_HTTP_SERVER, &buffer, &capacity, server);
}

void mwc_socket_pause(mwc_socket *socket) { socket->is_paused = true; }

void mwc_socket_resume(mwc_socket *socket) {
  socket->is_paused = false;
  if (!socket->has_input || socket->is_closing) return;
  socket->has_input = false;
  if (read_now(socket) < 0) mwc_socket_close(socket);
}

// ---- Any socket

int mwc_socket_write(mwc_socket *socket, const uint8_t *bytes, size_t length) {
  if (socket->is_closing || !socket->wsi) return -1;
  if (length == 0) return 0;
  // Neither role changes the bytes; the parameter is not const for the sake of others.
  int written = lws_write(socket->wsi, (unsigned char *)(uintptr_t)bytes, length, LWS_WRITE_RAW);
  return written < 0 ? -1 : 0;
}

bool mwc_socket_is_blocked(const mwc_socket *socket) {
  return socket->wsi && lws_partial_buffered(socket->wsi);
}

void mwc_socket_want_writable(mwc_socket *socket) {
  if (socket->wsi && !socket->is_closing) lws_callback_on_writable(socket->wsi);
}

void mwc_socket_finish_writing(mwc_socket *socket) {
  if (socket->is_tls || !socket->wsi) return;
  shutdown(lws_get_socket_fd(socket->wsi), SHUT_WR);
}

void mwc_socket_close(mwc_socket *socket) {
  if (socket->is_closing) return;
  socket->is_closing = true;
  if (socket->wsi) lws_set_timeout(socket->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
}

void mwc_socket_peer(const mwc_socket *socket, char *out, size_t capacity) {
  struct sockaddr_storage address;
  socklen_t length = sizeof address;
  char text[INET6_ADDRSTRLEN] = "";
  snprintf(out, capacity, "unknown");
  if (!socket->wsi ||
      getpeername(lws_get_socket_fd(socket->wsi), (struct sockaddr *)&address, &length) != 0)
    return;
  if (address.ss_family == AF_INET) {
    struct sockaddr_in v4;
    memcpy(&v4, &address, sizeof v4);
    inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    snprintf(out, capacity, "%s:%u", text, ntohs(v4.sin_port));
  } else if (address.ss_family == AF_INET6) {
    struct sockaddr_in6 v6;
    memcpy(&v6, &address, sizeof v6);
    inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
    snprintf(out, capacity, "[%s]:%u", text, ntohs(v6.sin6_port));
  } else {
    snprintf(out, capacity, "unix");
  }
}

// ---- Server

mwc_listener *mwc_listener_create(mwc_loop *loop, int fd, mwc_host *host, mwc_accept_handler accept,
                                  void *context) {
  mwc_listener *listener = calloc(1, sizeof *listener);
  if (!listener) {
    close(fd);
    return NULL;
  }
  *listener = (mwc_listener){.kind = MWC_LISTENER, .loop = loop, .host = host, .accept = accept, .context = context};
  lws_adopt_desc_t info;
  memset(&info, 0, sizeof info);
  info.vh = loop->plain.vhost;
  info.type = LWS_ADOPT_RAW_FILE_DESC;
  info.fd.filefd = fd;
  info.vh_prot_name = "mwc";
  info.opaque = listener;
  current_loop = loop;
  listener->wsi = lws_adopt_descriptor_vhost_via_info(&info);
  if (listener->wsi) return listener;
  free(listener);
  return NULL;
}

void mwc_listener_destroy(mwc_listener *listener) {
  lws_set_opaque_user_data(listener->wsi, NULL);
  lws_set_timeout(listener->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
  free(listener);
}

static int accept_descriptor(mwc_listener *listener) {
  int listening = lws_get_socket_fd(listener->wsi);
  for (;;) {
    int fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0 || (errno != EINTR && errno != ECONNABORTED)) return fd;
  }
}

// Returns whether there may be more to accept.
static bool accept_one(mwc_listener *listener) {
  mwc_loop *loop = listener->loop;
  int fd = accept_descriptor(listener);
  if (fd < 0 && (errno == EMFILE || errno == ENFILE) && loop->spare_fd >= 0) {
    // Out of descriptors: the connection would stay in the queue and poll would spin on it. Accept it
    // with the one held back for this, and turn it away.
    close(loop->spare_fd);
    fd = accept_descriptor(listener);
    if (fd >= 0) close(fd);
    loop->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return fd >= 0;
  }
  if (fd < 0) return false;
  int yes = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);  // fails on unix sockets: no matter

  mwc_socket *socket = calloc(1, sizeof *socket);
  if (!socket || (socket->loop = loop,
                  listener->accept(listener->context, socket, &socket->owner)) != 0) {
    free(socket);
    close(fd);
    return true;
  }
  socket->is_connecting = true;
  socket->is_tls = listener->host != NULL;
  lws_adopt_desc_t info;
  memset(&info, 0, sizeof info);
  info.vh = listener->host ? listener->host->vhost : loop->plain.vhost;
  info.type = LWS_ADOPT_SOCKET | (listener->host ? LWS_ADOPT_ALLOW_SSL : 0);
  info.fd.sockfd = fd;
  info.vh_prot_name = "mwc";
  info.opaque = socket;
  struct lws *wsi = lws_adopt_descriptor_vhost_via_info(&info);
  socket->is_connecting = false;
  if (wsi && !socket->is_dead) {
    socket->wsi = wsi;
  } else {
    snprintf(socket->reason, sizeof socket->reason, "no connection");
    socket_destroyed(socket);
  }
  return true;
}

static int accept_all(mwc_listener *listener) {
  // A bound, so that a flood of connections cannot keep the others waiting.
  for (int n = 0; listener && n < 64 && accept_one(listener); n++) {
  }
  return 0;
}

// ---- Timers

static void timer_fired(lws_sorted_usec_list_t *sul) {
  mwc_timer *timer = (mwc_timer *)(void *)sul;
  // Timers run before libwebsockets waits; come back at once to what this one causes.
  lws_cancel_service(timer->loop->context);
  timer->fired(timer->context);  // which may destroy it
}

mwc_timer *mwc_timer_create(mwc_loop *loop, void (*fired)(void *context), void *context) {
  mwc_timer *timer = calloc(1, sizeof *timer);
  if (!timer) return NULL;
  timer->loop = loop;
  timer->fired = fired;
  timer->context = context;
  return timer;
}

void mwc_timer_set(mwc_timer *timer, int64_t delay_ns) {
  int64_t delay_us = delay_ns / 1000;
  // Rounded up to whole milliseconds, as poll does it; else the last one would be spent spinning.
  delay_us = delay_us < 1000 ? 1000 : (delay_us + 999) / 1000 * 1000;
  lws_sul_schedule(timer->loop->context, 0, &timer->sul, timer_fired, delay_us);
}

void mwc_timer_cancel(mwc_timer *timer) { lws_sul_cancel(&timer->sul); }

void mwc_timer_destroy(mwc_timer *timer) {
  if (!timer) return;
  lws_sul_cancel(&timer->sul);
  free(timer);
}
