/* Which library a fault is in, for whoever asks what has become of this process.
 *
 * Everything here may run in a signal handler: no memory is taken, no lock, only system calls that
 * POSIX allows there. */

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#if defined(__linux__)
#include <ucontext.h>
#endif

#define HYDROFOIL_MAPPINGS 1024
#define HYDROFOIL_NAME 64
/* Words of the stack that are looked through for who called. */
#define HYDROFOIL_WORDS 512

typedef struct {
    uintptr_t start, end;
    char name[HYDROFOIL_NAME];
} hydrofoil_mapping;

static hydrofoil_mapping hydrofoil_code[HYDROFOIL_MAPPINGS];
static int hydrofoil_mappings;
static struct sigaction hydrofoil_before[NSIG];
/* Where the names go: of the library, and behind it of the one that it was called from. */
static char hydrofoil_nowhere[2 * HYDROFOIL_NAME];
static char* hydrofoil_names = hydrofoil_nowhere;

/* A line of /proc/self/maps: "start-end r-xp offset device inode   /folder/name". */
static void hydrofoil_take_line(const char* line, size_t length) {
    uintptr_t bounds[2] = {0, 0};
    size_t at = 0, slash = 0;
    hydrofoil_mapping* mapping;
    int k;
    for (k = 0; k < 2; k++) {
        for (; at < length; at++) {
            char c = line[at];
            if (c >= '0' && c <= '9') bounds[k] = bounds[k] * 16 + (uintptr_t)(c - '0');
            else if (c >= 'a' && c <= 'f') bounds[k] = bounds[k] * 16 + (uintptr_t)(c - 'a' + 10);
            else break;
        }
        at++;
    }
    if (at + 3 > length || line[at + 2] != 'x' || hydrofoil_mappings == HYDROFOIL_MAPPINGS) return;
    for (k = 0; (size_t)k < length; k++)
        if (line[k] == '/') slash = (size_t)k + 1;
    if (slash == 0) return;
    mapping = &hydrofoil_code[hydrofoil_mappings++];
    mapping->start = bounds[0];
    mapping->end = bounds[1];
    length -= slash;
    if (length > HYDROFOIL_NAME - 1) length = HYDROFOIL_NAME - 1;
    memcpy(mapping->name, line + slash, length);
    mapping->name[length] = 0;
}

static void hydrofoil_read_maps(void) {
    static char text[8192];
    size_t kept = 0, start, end;
    ssize_t got;
    int file = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    hydrofoil_mappings = 0;
    if (file < 0) return;
    while ((got = read(file, text + kept, sizeof(text) - kept)) > 0) {
        size_t length = kept + (size_t)got;
        for (start = end = 0; end < length; end++) {
            if (text[end] != '\n') continue;
            hydrofoil_take_line(text + start, end - start);
            start = end + 1;
        }
        kept = length - start;
        /* No line is so long. */
        if (kept == sizeof(text)) kept = 0;
        memmove(text, text + start, kept);
    }
    close(file);
}

static const char* hydrofoil_name_at(uintptr_t address) {
    int k;
    for (k = 0; k < hydrofoil_mappings; k++)
        if (address >= hydrofoil_code[k].start && address < hydrofoil_code[k].end)
            return hydrofoil_code[k].name;
    return NULL;
}

/* What is no library of the user's. */
static int hydrofoil_is_system(const char* name) {
    static const char* const prefixes[] = {
        "libc.", "libc-", "libm.", "libm-", "ld-", "libpthread", "libdl", "libpython", "python",
        "libgcc_s", "libstdc++", "libffi", NULL};
    int k;
    for (k = 0; prefixes[k] != NULL; k++)
        if (strncmp(name, prefixes[k], strlen(prefixes[k])) == 0) return 1;
    return 0;
}

static void hydrofoil_put(char* place, const char* name) {
    size_t length = strlen(name);
    if (length > HYDROFOIL_NAME - 1) length = HYDROFOIL_NAME - 1;
    memcpy(place, name, length);
    place[length] = 0;
}

static void hydrofoil_on_fault(int number, siginfo_t* info, void* context) {
    uintptr_t at = 0, stack = 0;
    const char* name;
    int k;
#if defined(__linux__) && defined(__x86_64__)
    at = (uintptr_t)((ucontext_t*)context)->uc_mcontext.gregs[REG_RIP];
    stack = (uintptr_t)((ucontext_t*)context)->uc_mcontext.gregs[REG_RSP];
#elif defined(__linux__) && defined(__aarch64__)
    at = (uintptr_t)((ucontext_t*)context)->uc_mcontext.pc;
    stack = (uintptr_t)((ucontext_t*)context)->uc_mcontext.sp;
#endif
    /* A fault in here ends the process by what was there before. */
    sigaction(number, &hydrofoil_before[number], NULL);
    /* What was sent says nothing of where the process is. */
    if (at != 0 && info->si_code > 0) {
        hydrofoil_read_maps();
        name = hydrofoil_name_at(at);
        if (name != NULL) hydrofoil_put(hydrofoil_names, name);
        /* By an address of code on the stack, where the library is everybody's. A stack that has
           overflowed has nothing of interest, and the words above are there in any case. */
        if (name == NULL || hydrofoil_is_system(name)) {
            uintptr_t* words = (uintptr_t*)(stack & ~(uintptr_t)7);
            for (k = 0; k < HYDROFOIL_WORDS; k++) {
                const char* caller = hydrofoil_name_at(words[k]);
                if (caller == NULL || hydrofoil_is_system(caller)) continue;
                hydrofoil_put(hydrofoil_names + HYDROFOIL_NAME, caller);
                break;
            }
        }
    }
    /* A fault comes again, to what was there before; a signal that was sent does not. */
    if (info->si_code <= 0) raise(number);
}

/* Put this in front of what handles faults now, such as Python's fault handler. */
static void hydrofoil_watch_faults(void) {
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    size_t k;
    for (k = 0; k < sizeof(numbers) / sizeof(*numbers); k++) {
        struct sigaction ours, before;
        if (sigaction(numbers[k], NULL, &before) != 0) continue;
        /* Ours is not to be what comes after ours. */
        if ((before.sa_flags & SA_SIGINFO) && before.sa_sigaction == hydrofoil_on_fault) continue;
        hydrofoil_before[numbers[k]] = before;
        memset(&ours, 0, sizeof(ours));
        ours.sa_sigaction = hydrofoil_on_fault;
        ours.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
        sigemptyset(&ours.sa_mask);
        sigaction(numbers[k], &ours, NULL);
    }
}
