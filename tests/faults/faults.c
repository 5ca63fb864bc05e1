/* Stands between a program and its files (LD_PRELOAD): makes the n-th operation below a folder fail, or keeps a trace of all.

At rest until one of its functions is called:
  faults_arm     counts the operations of some kinds, refuses the n-th with an errno, and then those of some kinds again
  faults_record  writes each operation that was done into a trace, with its data
  faults_mark    writes a word of the program's own into the trace
  faults_rest    back to rest */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { READ = 1, OPEN = 2, CREATE = 4, WRITE = 8, SYNC = 16, RENAME = 32, UNLINK = 64, MKDIR = 128, RESIZE = 256, LINK = 512, CHMOD = 1024 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static volatile int armed, recording;
static char root[PATH_MAX];
static int log_fd = -1, failing, kinds, kinds_again;
static long the_nth, counted;

#define REAL(result, name, ...) \
  static result (*real)(__VA_ARGS__); \
  if (!real) real = (result (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

static void put(const void *data, size_t size) { /* not through what is interposed */
  for (const char *at = data; size;) {
    long done = syscall(SYS_write, log_fd, at, size);
    if (done <= 0) { _exit(99); }
    at += done, size -= done;
  }
}

static void rest(void) {
  pthread_mutex_lock(&lock);
  armed = recording = 0;
  pthread_mutex_unlock(&lock);
}

void faults_arm(const char *folder, long nth, int error, int mask, int again, int log) {
  rest();
  snprintf(root, sizeof root, "%s", folder);
  the_nth = nth, failing = error, kinds = mask, kinds_again = again, log_fd = log, counted = 0, armed = 1;
}

void faults_record(const char *folder, int trace) {
  rest();
  snprintf(root, sizeof root, "%s", folder);
  log_fd = trace, recording = 1;
}

void faults_rest(void) { rest(); }

/* ---- where a call goes ---- */

static int below(const char *path) {
  size_t length = strlen(root);
  return !strncmp(path, root, length) && (path[length] == '/' || !path[length]);
}

static int path_of(int fd, char *path) {
  char link[40];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, PATH_MAX - 1);
  path[length < 0 ? 0 : length] = 0;
  char *gone = strstr(path, " (deleted)");
  if (gone) *gone = 0;
  return path[0] == '/';
}

/* The absolute path of a name, without "." and ".."; whether it lies below the folder. */
static int resolved(int at, const char *name, char *path) {
  char whole[2 * PATH_MAX];
  path[0] = 0;
  if (!name) return 0;
  if (name[0] == '/') snprintf(whole, sizeof whole, "%s", name);
  else {
    char start[PATH_MAX];
    if (at == AT_FDCWD ? !getcwd(start, sizeof start) : !path_of(at, start)) return 0;
    snprintf(whole, sizeof whole, "%s/%s", start, name);
  }
  size_t end = 0;
  for (char *rest = NULL, *part = strtok_r(whole, "/", &rest); part; part = strtok_r(NULL, "/", &rest)) {
    if (!strcmp(part, ".")) continue;
    if (!strcmp(part, "..")) {
      while (end && path[--end] != '/') {}
      path[end] = 0;
      continue;
    }
    if (end + strlen(part) + 2 > PATH_MAX) return 0;
    end += sprintf(path + end, "/%s", part);
  }
  return below(path);
}

static int of_fd(int fd, char *path) { return path_of(fd, path) && below(path); }

/* ---- refusing ---- */

static const char *const names[] = {"read", "open", "create", "write", "sync", "rename", "unlink", "mkdir", "resize", "link", "chmod"};

static const char *name_of(int kind) {
  int place = 0;
  while (kind >>= 1) place++;
  return names[place];
}

/* Whether an operation is to fail; errno is set then. */
static int refused(int kind, const char *path) {
  if (!armed) return 0;
  pthread_mutex_lock(&lock);
  int fails = 0;
  if (armed && (kind & kinds)) {
    counted++;
    fails = counted == the_nth || (counted > the_nth && the_nth > 0 && (kind & kinds_again));
    char line[PATH_MAX + 32];
    put(line, snprintf(line, sizeof line, "%c%s %s\n", fails ? '!' : ' ', name_of(kind), path));
  }
  pthread_mutex_unlock(&lock);
  if (fails) errno = failing;
  return fails;
}

/* ---- the trace: kind, inode, offset, three lengths; a path, another path, data ---- */

static void noted(const char *kind, uint64_t inode, int64_t offset, const char *path, const char *other, const void *data, size_t size) {
  char head[160];
  if (!path) path = "";
  if (!other) other = "";
  put(head, snprintf(head, sizeof head, "%s %llu %lld %zu %zu %zu\n", kind, (unsigned long long)inode, (long long)offset, strlen(path), strlen(other), size));
  put(path, strlen(path));
  put(other, strlen(other));
  put(data, size);
}

static uint64_t inode_of(int fd) {
  struct stat found;
  return fstat(fd, &found) ? 0 : found.st_ino;
}

static uint64_t inode_at(const char *path) {
  struct stat found;
  return lstat(path, &found) ? 0 : found.st_ino;
}

void faults_mark(const char *word) {
  pthread_mutex_lock(&lock);
  if (recording) noted("mark", 0, 0, word, NULL, NULL, 0);
  pthread_mutex_unlock(&lock);
}

/* What is done to a file has to stand in the trace in the order in which it was done. */
#define BEGIN(tracked) \
  int kept = recording && (tracked), problem; \
  if (kept) pthread_mutex_lock(&lock)
#define END \
  problem = errno; \
  if (kept) pthread_mutex_unlock(&lock); \
  errno = problem

/* ---- opening ---- */

static int kind_of_open(const char *path, int flags) {
  if ((flags & O_CREAT) && !inode_at(path)) return CREATE;
  return (flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC)) ? OPEN : READ;
}

static int opened(int at, const char *name, int flags, mode_t mode, long (*open_)(int, const char *, int, mode_t)) {
  char path[PATH_MAX];
  if ((!armed && !recording) || !resolved(at, name, path)) return open_(at, name, flags, mode);
  int kind = kind_of_open(path, flags);
  if (refused(kind, path)) return -1;
  BEGIN(kind != READ);
  int fd = open_(at, name, flags, mode);
  if (kept && fd >= 0 && kind == CREATE) noted("create", inode_of(fd), 0, path, NULL, NULL, 0);
  else if (kept && fd >= 0 && (flags & O_TRUNC)) noted("resize", inode_of(fd), 0, NULL, NULL, NULL, 0);
  END;
  return fd;
}

static long by_syscall(int at, const char *name, int flags, mode_t mode) { return syscall(SYS_openat, at, name, flags, mode); }

static mode_t mode_in(int flags, va_list more) { return flags & (O_CREAT | __O_TMPFILE) ? (mode_t)va_arg(more, int) : 0; }

#define OPENS(name) \
  int name(const char *path, int flags, ...) { \
    va_list more; \
    va_start(more, flags); \
    mode_t mode = mode_in(flags, more); \
    va_end(more); \
    return opened(AT_FDCWD, path, flags, mode, by_syscall); \
  }
#define OPENS_AT(name) \
  int name(int at, const char *path, int flags, ...) { \
    va_list more; \
    va_start(more, flags); \
    mode_t mode = mode_in(flags, more); \
    va_end(more); \
    return opened(at, path, flags, mode, by_syscall); \
  }
OPENS(open)
OPENS(open64)
OPENS_AT(openat)
OPENS_AT(openat64)
int __open_2(const char *path, int flags) { return opened(AT_FDCWD, path, flags, 0, by_syscall); }
int __open64_2(const char *path, int flags) { return opened(AT_FDCWD, path, flags, 0, by_syscall); }
int __openat_2(int at, const char *path, int flags) { return opened(at, path, flags, 0, by_syscall); }
int __openat64_2(int at, const char *path, int flags) { return opened(at, path, flags, 0, by_syscall); }
int creat(const char *path, mode_t mode) { return opened(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode, by_syscall); }
int creat64(const char *path, mode_t mode) { return creat(path, mode); }

static FILE *streamed(const char *name, const char *how) { /* glibc's own opens a file without asking us */
  int flags = strchr(how, '+') ? O_RDWR : how[0] == 'r' ? O_RDONLY : O_WRONLY;
  if (how[0] != 'r') flags |= O_CREAT | (how[0] == 'w' ? O_TRUNC : O_APPEND);
  if (strchr(how, 'x')) flags |= O_EXCL;
  if (strchr(how, 'e')) flags |= O_CLOEXEC;
  int fd = open(name, flags, 0666);
  return fd < 0 ? NULL : fdopen(fd, how);
}
FILE *fopen(const char *name, const char *how) {
  REAL(FILE *, fopen, const char *, const char *);
  char path[PATH_MAX];
  return (armed || recording) && resolved(AT_FDCWD, name, path) ? streamed(name, how) : real(name, how);
}
FILE *fopen64(const char *name, const char *how) {
  REAL(FILE *, fopen64, const char *, const char *);
  char path[PATH_MAX];
  return (armed || recording) && resolved(AT_FDCWD, name, path) ? streamed(name, how) : real(name, how);
}

/* ---- writing ---- */

/* A disk that fills up takes a part of what it is given first. */
static size_t taken(size_t size) { return failing == ENOSPC && kinds_again && size > 1 ? size / 2 : 0; }

static void noted_write(int fd, int64_t offset, const void *data, ssize_t size) {
  if (size <= 0) return;
  if (offset < 0) offset = lseek(fd, 0, SEEK_CUR) - size;
  noted("write", inode_of(fd), offset, NULL, NULL, data, size);
}

static int watched(int fd, char *path) { return (armed || recording) && fd != log_fd && of_fd(fd, path); }

ssize_t write(int fd, const void *data, size_t size) {
  REAL(ssize_t, write, int, const void *, size_t);
  char path[PATH_MAX];
  int ours = watched(fd, path);
  if (ours) {
    long before = counted;
    if (refused(WRITE, path)) {
      size_t part = before + 1 == the_nth ? taken(size) : 0;
      return part ? real(fd, data, part) : -1;
    }
  }
  BEGIN(ours);
  ssize_t done = real(fd, data, size);
  if (kept) noted_write(fd, -1, data, done);
  END;
  return done;
}

#define WRITES_AT(name, offset_t) \
  ssize_t name(int fd, const void *data, size_t size, offset_t offset) { \
    REAL(ssize_t, name, int, const void *, size_t, offset_t); \
    char path[PATH_MAX]; \
    int ours = watched(fd, path); \
    if (ours && refused(WRITE, path)) return -1; \
    BEGIN(ours); \
    ssize_t done = real(fd, data, size, offset); \
    if (kept) noted_write(fd, offset, data, done); \
    END; \
    return done; \
  }
WRITES_AT(pwrite, off_t)
WRITES_AT(pwrite64, off64_t)

ssize_t writev(int fd, const struct iovec *parts, int count) {
  REAL(ssize_t, writev, int, const struct iovec *, int);
  char path[PATH_MAX];
  if (!watched(fd, path)) return real(fd, parts, count);
  ssize_t whole = 0;
  for (int place = 0; place < count; place++) {
    ssize_t done = write(fd, parts[place].iov_base, parts[place].iov_len);
    if (done < 0) return whole ? whole : -1;
    whole += done;
    if ((size_t)done < parts[place].iov_len) break;
  }
  return whole;
}

/* What the kernel copies from file to file is read again where it went. */
static void noted_copy(int fd, ssize_t size) {
  if (size <= 0) return;
  char link[40], *data = malloc(size);
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  int64_t offset = lseek(fd, 0, SEEK_CUR) - size;
  int again = by_syscall(AT_FDCWD, link, O_RDONLY, 0);
  if (!data || again < 0 || pread(again, data, size, offset) != size) _exit(98);
  noted("write", inode_of(fd), offset, NULL, NULL, data, size);
  close(again);
  free(data);
}

#define SENDS(name, offset_t) \
  ssize_t name(int out, int in, offset_t *offset, size_t size) { \
    REAL(ssize_t, name, int, int, offset_t *, size_t); \
    char path[PATH_MAX]; \
    int ours = watched(out, path); \
    if (ours && refused(WRITE, path)) return -1; \
    BEGIN(ours); \
    ssize_t done = real(out, in, offset, size); \
    if (kept) noted_copy(out, done); \
    END; \
    return done; \
  }
SENDS(sendfile, off_t)
SENDS(sendfile64, off64_t)

ssize_t copy_file_range(int in, off64_t *from, int out, off64_t *to, size_t size, unsigned flags) {
  REAL(ssize_t, copy_file_range, int, off64_t *, int, off64_t *, size_t, unsigned);
  char path[PATH_MAX];
  if (!watched(out, path)) return real(in, from, out, to, size, flags);
  errno = EXDEV; /* the caller then copies in another way */
  return -1;
}

#define RESIZES(name, offset_t) \
  int name(int fd, offset_t size) { \
    REAL(int, name, int, offset_t); \
    char path[PATH_MAX]; \
    int ours = watched(fd, path); \
    if (ours && refused(RESIZE, path)) return -1; \
    BEGIN(ours); \
    int done = real(fd, size); \
    if (kept && !done) noted("resize", inode_of(fd), size, NULL, NULL, NULL, 0); \
    END; \
    return done; \
  }
RESIZES(ftruncate, off_t)
RESIZES(ftruncate64, off64_t)

#define SYNCS(name) \
  int name(int fd) { \
    REAL(int, name, int); \
    char path[PATH_MAX]; \
    if (!watched(fd, path)) return real(fd); \
    if (refused(SYNC, path)) return -1; \
    BEGIN(1); \
    if (kept) noted("sync", inode_of(fd), 0, NULL, NULL, NULL, 0); \
    END; \
    return 0; /* nobody cuts the power here */ \
  }
SYNCS(fsync)
SYNCS(fdatasync)

/* ---- names ---- */

static int renamed(int at, const char *name, int to, const char *other, unsigned flags) {
  char path[PATH_MAX], target[PATH_MAX];
  int ours = (armed || recording) && (resolved(at, name, path) | resolved(to, other, target));
  if (ours && refused(RENAME, target)) return -1;
  BEGIN(ours);
  int done = syscall(SYS_renameat2, at, name, to, other, flags);
  if (kept && !done) noted("rename", inode_at(target), 0, path, target, NULL, 0);
  END;
  return done;
}
int rename(const char *name, const char *other) { return renamed(AT_FDCWD, name, AT_FDCWD, other, 0); }
int renameat(int at, const char *name, int to, const char *other) { return renamed(at, name, to, other, 0); }
int renameat2(int at, const char *name, int to, const char *other, unsigned flags) { return renamed(at, name, to, other, flags); }

static int removed(int at, const char *name, int flags) {
  char path[PATH_MAX];
  int ours = (armed || recording) && resolved(at, name, path);
  if (ours && refused(UNLINK, path)) return -1;
  BEGIN(ours);
  int done = syscall(SYS_unlinkat, at, name, flags);
  if (kept && !done) noted("unlink", 0, 0, path, NULL, NULL, 0);
  END;
  return done;
}
int unlink(const char *name) { return removed(AT_FDCWD, name, 0); }
int unlinkat(int at, const char *name, int flags) { return removed(at, name, flags); }
int rmdir(const char *name) { return removed(AT_FDCWD, name, AT_REMOVEDIR); }
int remove(const char *name) {
  int done = unlink(name);
  return done && errno == EISDIR ? rmdir(name) : done;
}

static int made(int at, const char *name, mode_t mode) {
  char path[PATH_MAX];
  int ours = (armed || recording) && resolved(at, name, path);
  if (ours && refused(MKDIR, path)) return -1;
  BEGIN(ours);
  int done = syscall(SYS_mkdirat, at, name, mode);
  if (kept && !done) noted("mkdir", inode_at(path), 0, path, NULL, NULL, 0);
  END;
  return done;
}
int mkdir(const char *name, mode_t mode) { return made(AT_FDCWD, name, mode); }
int mkdirat(int at, const char *name, mode_t mode) { return made(at, name, mode); }

static int linked(int at, const char *name, int to, const char *other, int flags) {
  char path[PATH_MAX], target[PATH_MAX];
  int ours = (armed || recording) && (resolved(at, name, path) | resolved(to, other, target));
  if (ours && refused(LINK, target)) return -1;
  BEGIN(ours);
  int done = syscall(SYS_linkat, at, name, to, other, flags);
  if (kept && !done) noted("link", inode_at(target), 0, path, target, NULL, 0);
  END;
  return done;
}
int link(const char *name, const char *other) { return linked(AT_FDCWD, name, AT_FDCWD, other, 0); }
int linkat(int at, const char *name, int to, const char *other, int flags) { return linked(at, name, to, other, flags); }

int chmod(const char *name, mode_t mode) {
  REAL(int, chmod, const char *, mode_t);
  char path[PATH_MAX];
  return (armed || recording) && resolved(AT_FDCWD, name, path) && refused(CHMOD, path) ? -1 : real(name, mode);
}
int fchmod(int fd, mode_t mode) {
  REAL(int, fchmod, int, mode_t);
  char path[PATH_MAX];
  return watched(fd, path) && refused(CHMOD, path) ? -1 : real(fd, mode);
}
