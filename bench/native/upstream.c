/*
 * A server of literal bytes, fast enough to be nobody's bottleneck. It knows nothing of Workers AI:
 *
 *   PUT  with any body     sets what POST answers, whatever the path; PUT /GET sets what GET answers
 *   x-pace-us: 20000       on a PUT: microseconds between two pieces; 0 sends them all at once
 *
 * The body of a PUT is the whole HTTP answer, cut into pieces by the byte 0x1e. In a paced answer, `~` and 16 zeros
 * become the moment of sending in microseconds of the monotonic clock. Prints its port. One thread, epoll.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define MAX_FILES 16384
#define HEAD_SIZE 16384
#define STAMP "~0000000000000000"
#define STAMP_LENGTH 17
#define CUT 0x1e

struct answer {
  char *bytes;
  size_t length;
  size_t *ends; /* of each piece, in bytes from the beginning */
  size_t pieces;
  int64_t pace_us;
};

struct connection {
  int is_open, is_chunked, in_body;
  char method; /* its first letter, but `U` for PUT: `P` is POST */
  char *head, *body;
  size_t head_length, body_length, body_left;
  const struct answer *answer; /* being sent, or NULL */
  size_t sent, piece;
  int64_t due_us;
};

static struct connection connections[MAX_FILES];
static struct answer *for_post, *for_get;
static char scratch[1 << 18];
static int epoll, timer, highest;
static int64_t alarm_us; /* when the timer goes off, 0 for never */

static int64_t now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

static void watch(int fd, int operation, uint32_t events) {
  struct epoll_event event = { .events = events, .data.fd = fd };
  epoll_ctl(epoll, operation, fd, &event);
}

static void drop(int fd) {
  free(connections[fd].head);
  free(connections[fd].body);
  memset(&connections[fd], 0, sizeof connections[fd]);
  close(fd);
}

/* Takes the bytes over; answers are never freed, as connections may still be sending them and there are few. */
static struct answer *to_answer(char *bytes, size_t length, int64_t pace_us) {
  struct answer *answer = calloc(1, sizeof *answer);
  size_t cuts = 0;
  for (size_t i = 0; i < length; i++) cuts += bytes[i] == CUT;
  answer->bytes = bytes;
  answer->pace_us = pace_us;
  answer->ends = malloc((cuts + 1) * sizeof *answer->ends);
  for (size_t i = 0; i < length; i++) {
    if (bytes[i] == CUT) answer->ends[answer->pieces++] = answer->length;
    else bytes[answer->length++] = bytes[i];
  }
  answer->ends[answer->pieces++] = answer->length;
  return answer;
}

static void finish(struct connection *connection) {
  connection->answer = NULL;
  connection->in_body = 0;
  connection->head_length = 0;
}

static void send_rest(int fd) {
  struct connection *connection = &connections[fd];
  const struct answer *answer = connection->answer;
  while (connection->sent < answer->length) {
    ssize_t written = write(fd, answer->bytes + connection->sent, answer->length - connection->sent);
    if (written < 0 && errno == EAGAIN) return watch(fd, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
    if (written < 0) return drop(fd);
    connection->sent += written;
  }
  watch(fd, EPOLL_CTL_MOD, EPOLLIN);
  finish(connection);
}

static void send_piece(int fd, int64_t now) {
  struct connection *connection = &connections[fd];
  const struct answer *answer = connection->answer;
  size_t start = connection->piece == 0 ? 0 : answer->ends[connection->piece - 1];
  size_t length = answer->ends[connection->piece] - start;
  if (length >= sizeof scratch) return drop(fd);
  memcpy(scratch, answer->bytes + start, length);
  char *stamp = memmem(scratch, length, STAMP, STAMP_LENGTH);
  char digits[24];
  snprintf(digits, sizeof digits, "~%016lld", (long long)now_us());
  if (stamp) memcpy(stamp, digits, STAMP_LENGTH);
  if (write(fd, scratch, length) != (ssize_t)length) return drop(fd); /* nobody should be that far behind */
  connection->due_us = (connection->piece == 0 ? now : connection->due_us) + answer->pace_us;
  if (++connection->piece == answer->pieces) finish(connection);
}

static void respond(int fd) {
  struct connection *connection = &connections[fd];
  if (connection->method == 'U') {
    const char *pace = strcasestr(connection->head, "\r\nx-pace-us:");
    struct answer *answer = to_answer(connection->body, connection->body_length, pace ? atoll(pace + 12) : 0);
    connection->body = NULL;
    if (strncmp(connection->head, "PUT /GET ", 9) == 0) for_get = answer;
    else for_post = answer;
    static const char ok[] = "HTTP/1.1 204 No Content\r\n\r\n";
    if (write(fd, ok, sizeof ok - 1) < 0) return drop(fd);
    return finish(connection);
  }
  connection->answer = connection->method == 'G' ? for_get : for_post;
  if (connection->answer == NULL) return drop(fd);
  connection->sent = connection->piece = 0;
  if (connection->answer->pace_us > 0) send_piece(fd, now_us());
  else send_rest(fd);
}

static void take_body(int fd, const char *bytes, size_t length) {
  struct connection *connection = &connections[fd];
  if (connection->method == 'U' && length <= connection->body_left) {
    memcpy(connection->body + connection->body_length, bytes, length);
    connection->body_length += length;
  }
  if (connection->is_chunked) {
    if (length >= 5 && memcmp(bytes + length - 5, "0\r\n\r\n", 5) == 0) respond(fd);
    return;
  }
  connection->body_left -= length < connection->body_left ? length : connection->body_left;
  if (connection->body_left == 0) respond(fd);
}

static void take_head(int fd, const char *bytes, size_t length) {
  struct connection *connection = &connections[fd];
  if (connection->head == NULL) connection->head = malloc(HEAD_SIZE);
  size_t before = connection->head_length;
  size_t kept = length < HEAD_SIZE - 1 - before ? length : HEAD_SIZE - 1 - before;
  memcpy(connection->head + before, bytes, kept);
  connection->head[before + kept] = 0;
  connection->head_length += kept;
  char *end = strstr(connection->head, "\r\n\r\n");
  if (end == NULL) return kept < length ? drop(fd) : (void)0;
  end[2] = 0;
  size_t head_length = end + 4 - connection->head;
  const char *content_length = strcasestr(connection->head, "\r\ncontent-length:");
  connection->method = strncmp(connection->head, "PUT", 3) == 0 ? 'U' : connection->head[0];
  connection->is_chunked = strcasestr(connection->head, "\r\ntransfer-encoding: chunked") != NULL;
  connection->body_left = content_length ? strtoull(content_length + 17, NULL, 10) : 0;
  connection->body_length = 0;
  if (connection->method == 'U') connection->body = malloc(connection->body_left + 1);
  connection->in_body = 1;
  take_body(fd, bytes + (head_length - before), length - (head_length - before));
}

static void receive(int fd) {
  ssize_t length = read(fd, scratch, sizeof scratch);
  if (length < 0 && errno == EAGAIN) return;
  if (length <= 0) return drop(fd);
  if (connections[fd].in_body) take_body(fd, scratch, length);
  else take_head(fd, scratch, length);
}

static void accept_all(int server) {
  int fd, on = 1;
  while ((fd = accept4(server, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
    if (fd >= MAX_FILES) { close(fd); continue; }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connections[fd].is_open = 1;
    if (fd > highest) highest = fd;
    watch(fd, EPOLL_CTL_ADD, EPOLLIN);
  }
}

/* Sends every piece that is due, and sets the timer for the next one. */
static void send_due(void) {
  int64_t now = now_us(), next = 0;
  for (int fd = 0; fd <= highest; fd++) {
    struct connection *connection = &connections[fd];
    if (connection->answer == NULL || connection->answer->pace_us == 0) continue;
    if (connection->due_us <= now) send_piece(fd, now);
    if (connection->answer != NULL && (next == 0 || connection->due_us < next)) next = connection->due_us;
  }
  if (next == alarm_us) return;
  alarm_us = next;
  struct itimerspec when = { .it_value = { .tv_sec = next / 1000000, .tv_nsec = next % 1000000 * 1000 } };
  timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL);
}

int main(void) {
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max < MAX_FILES ? files.rlim_max : MAX_FILES;
  setrlimit(RLIMIT_NOFILE, &files);
  signal(SIGPIPE, SIG_IGN);
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
  socklen_t size = sizeof address;
  int server = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (bind(server, (struct sockaddr *)&address, size) || listen(server, 4096)) return perror("listen"), 1;
  getsockname(server, (struct sockaddr *)&address, &size);
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  epoll = epoll_create1(0);
  timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  watch(server, EPOLL_CTL_ADD, EPOLLIN);
  watch(timer, EPOLL_CTL_ADD, EPOLLIN);
  struct epoll_event events[256];
  for (;;) {
    int count = epoll_wait(epoll, events, 256, -1);
    for (int i = 0; i < count; i++) {
      int fd = events[i].data.fd;
      uint64_t expirations;
      if (fd == server) accept_all(server);
      else if (fd == timer) alarm_us = read(timer, &expirations, sizeof expirations) > 0 ? 0 : alarm_us;
      else if (connections[fd].is_open && events[i].events & EPOLLOUT && connections[fd].answer) send_rest(fd);
      else if (connections[fd].is_open) receive(fd);
    }
    send_due();
  }
}
