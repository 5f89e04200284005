#include "CMicrohttpdShim.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

// The library decodes targets in place, before anybody sees where a segment ended. We decode them ourselves.
static size_t keep_escapes(void *context, struct MHD_Connection *connection, char *text) {
  (void)context;
  (void)connection;
  return strlen(text);
}

// The library makes a record of each item of a query, which nobody reads: a few thousand short ones are more than a
// connection's memory, and then it does not answer at all. It reads them after this call: it gets to see none.
static void *request_begins(void *context, const char *target, struct MHD_Connection *connection) {
  const struct keel_http_options *options = context;
  void *request = options->request_begins(options->context, target, connection);
  char *query = target ? strchr(target, '?') : NULL;
  if (query) query[1] = '\0';
  return request;
}

__attribute__((format(printf, 2, 0)))
static void format_log(void *context, const char *format, va_list arguments) {
  // What failed is for whoever called the library to read.
  int cause = errno;
  const struct keel_http_options *options = context;
  static const char refusal[] = "Error processing request (HTTP response code is %u";
  if (strncmp(format, refusal, sizeof refusal - 1) == 0) {
    va_list copy;
    va_copy(copy, arguments);
    unsigned int status = va_arg(copy, unsigned int);
    va_end(copy);
    options->refuses(options->context, status);
  }
  char message[512];
  vsnprintf(message, sizeof message, format, arguments);
  options->log(options->context, message);
  errno = cause;
}

struct MHD_Daemon *keel_http_start(const struct keel_http_options *o) {
  unsigned int flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_ALLOW_UPGRADE | MHD_USE_TURBO | MHD_USE_ERROR_LOG;
  struct MHD_OptionItem items[16] = {
    // First, so that it hears of faults in the others.
    {MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)format_log, (void *)o},
    {MHD_OPTION_LISTEN_SOCKET, o->listen_socket, NULL},
    {MHD_OPTION_CONNECTION_MEMORY_LIMIT, (intptr_t)o->connection_memory, NULL},
    {MHD_OPTION_CONNECTION_LIMIT, o->connection_limit, NULL},
    {MHD_OPTION_PER_IP_CONNECTION_LIMIT, o->connections_per_ip, NULL},
    {MHD_OPTION_CONNECTION_TIMEOUT, o->idle_seconds, NULL},
    {MHD_OPTION_STRICT_FOR_CLIENT, 1, NULL},
    {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)request_begins, (void *)o},
    {MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)keep_escapes, NULL},
    {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)o->request_completed, o->context},
    {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)o->connection_changed, o->context},
    {MHD_OPTION_END, 0, NULL},
  };
  if (o->tls_certificate) {
    flags |= MHD_USE_TLS;
    size_t next = 11;
    items[next++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)o->tls_certificate};
    items[next++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)o->tls_key};
    items[next++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)o->tls_priorities};
    items[next] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
  }
  return MHD_start_daemon(flags, 0, NULL, NULL, o->handle, o->context,
                          MHD_OPTION_ARRAY, items, MHD_OPTION_END);
}

static enum MHD_Result refuse(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *upload, size_t *upload_size, void **state) {
  (void)context, (void)connection, (void)url, (void)method, (void)version, (void)upload, (void)upload_size, (void)state;
  return MHD_NO;
}

int keel_http_takes_tls(const char *certificate, const char *key, const char *priorities) {
  struct MHD_Daemon *daemon =
    MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_TLS, 0, NULL, NULL, refuse, NULL,
                     MHD_OPTION_HTTPS_MEM_CERT, certificate, MHD_OPTION_HTTPS_MEM_KEY, key,
                     MHD_OPTION_HTTPS_PRIORITIES, priorities, MHD_OPTION_END);
  if (daemon) MHD_stop_daemon(daemon);
  return daemon != NULL;
}

int keel_http_epoll_descriptor(struct MHD_Daemon *daemon) {
  const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
  return info ? info->epoll_fd : -1;
}

int keel_http_descriptor(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  return info ? info->connect_fd : -1;
}

const struct sockaddr *keel_http_remote_address(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  return info ? info->client_addr : NULL;
}

size_t keel_http_header_size(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
  return info ? info->header_size : 0;
}

unsigned int keel_http_queued_status(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_HTTP_STATUS);
  return info ? info->http_status : 0;
}

void *keel_http_socket_context(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  return info ? info->socket_context : NULL;
}

int keel_http_is_folded(const char *name, size_t size, const char *value) {
  if (!name || !value) return 0;
  const char *end = name + size;
  if (value <= end) return 1;
  for (; end < value; ++end) {
    if (*end != '\0' && *end != ' ' && *end != '\t') return 1;
  }
  return 0;
}

// Whether there is nothing but blanks, and the NULs that the library writes over them and over the ends of lines.
static int is_blank(const char *from, const char *to, size_t most) {
  if (to < from || (size_t)(to - from) > most) return 0;
  while (from < to && (*from == '\0' || *from == ' ')) ++from;
  return from == to;
}

struct head {
  const char *end;  // of what was looked at
  int is_whole;
};

static enum MHD_Result look_at_field(void *context, enum MHD_ValueKind kind, const char *name, size_t name_size,
                                     const char *value, size_t value_size) {
  (void)kind;
  struct head *head = context;
  // The end of a line, which may be a line feed alone.
  if (!is_blank(head->end, name, 2)) head->is_whole = 0;
  head->end = value ? value + value_size : name + name_size;
  return MHD_YES;
}

int keel_http_is_whole(struct MHD_Connection *connection, const char *method, const char *target, size_t target_size,
                       const char *version) {
  // Since 1.0 the library reads heads in another way, and strictly by itself.
  if (MHD_VERSION >= 0x01000000) return 1;
  if (!is_blank(method + strlen(method), target, SIZE_MAX) || !is_blank(target + target_size, version, 1)) return 0;
  struct head head = {version + strlen(version), 1};
  MHD_get_connection_values_n(connection, MHD_HEADER_KIND, look_at_field, &head);
  return head.is_whole && is_blank(head.end, method + keel_http_header_size(connection), 4);
}

void keel_http_look_again(struct MHD_Connection *connection) {
  // Connections with a time-out of their own are all looked at. The value only has to differ from that of the others.
  MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT, 99999u);
}

void keel_http_forbid_chunks(struct MHD_Response *response) {
  MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
}

void keel_http_end_upgrade(struct MHD_UpgradeResponseHandle *upgrade) {
  MHD_upgrade_action(upgrade, MHD_UPGRADE_ACTION_CLOSE);
}
