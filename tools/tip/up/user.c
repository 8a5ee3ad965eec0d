#include "up/user.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tip/fail.h>

int user_find(struct user *user)
{
    const struct passwd *entry;

    *user = (struct user){.uid = geteuid(), .gid = getegid()};
    if (user->uid != 0)
        return 0;
    entry = getpwnam("tip");
    if (!entry || entry->pw_uid == 0)
        entry = getpwnam("nobody");
    if (!entry || entry->pw_uid == 0)
        return tip_fail(-ENOENT);
    snprintf(user->name, sizeof(user->name), "%s", entry->pw_name);
    user->uid = entry->pw_uid;
    user->gid = entry->pw_gid;
    user->is_other = true;
    return 0;
}

int user_become(const struct user *user)
{
    if (!user->is_other)
        return 0;
    if (setgroups(0, NULL) == -1 || setresgid(user->gid, user->gid, user->gid) == -1 ||
        setresuid(user->uid, user->uid, user->uid) == -1)
        return tip_fail(-errno);
    if (setuid(0) == 0)
        return tip_fail(-EPERM); /* a way back would be none of giving up */
    if (setenv("HOME", "/nonexistent", 1) == -1)
        return tip_fail(-errno);
    return 0;
}

static bool user_reaches(const char *path)
{
    struct stat st;

    if (stat(path, &st) == -1)
        return false;
    return access(path, R_OK | (S_ISDIR(st.st_mode) || (st.st_mode & 0111) ? X_OK : 0)) == 0;
}

bool user_can_reach(const struct user *user, const char *path)
{
    int status;
    pid_t pid;

    if (!user->is_other)
        return user_reaches(path);
    pid = fork(); /* the kernel's own answer, in a process that has become that user */
    if (pid == 0)
        _exit(user_become(user) || !user_reaches(path));
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
